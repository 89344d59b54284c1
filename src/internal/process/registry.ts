/**
 * The targets that the modules of this process have defined: the library's only global state.
 *
 * It lies on `globalThis`, because a child's entry must find the targets of a module without importing the copy of the library
 * that the module uses.
 */
import * as Context from "effect/Context"
import type { Socket } from "node:net"
import type { MessagePort } from "node:worker_threads"
import type { Imports } from "./quickImports.ts"

/** What a child's entry needs of a target. */
export interface RegisteredTarget {
  readonly name: string
  /** Runs the target in this process, which is a child, over the control channel: its descriptor, or the opened one. */
  readonly inProcess: (channel: number | Socket) => void
  /** Runs the target in this thread, over this port. */
  readonly inThread: (port: MessagePort) => void
  /** The target itself, for the copy of the library that defined it. */
  readonly definition: unknown
}

export interface Registry {
  /** By module URL. */
  readonly targets: Map<string, Array<RegisteredTarget>>
  /** This process was started by the library. */
  readonly child: boolean
  /** How this process imports, if it is a child or has said how, and how its children do, unless somebody says otherwise. */
  readonly imports: Imports
  /** The standard streams that have been used; in a child. */
  readonly outputs?: ReadonlyArray<NodeJS.WriteStream>
  /** Runs what every target needs, so that a spare has it compiled before it is used. */
  rehearse?: () => Promise<void>
}

export const registryKey = "effect-multiprocessing/targets"

export const registry: Registry = ((globalThis as Record<symbol, unknown>)[Symbol.for(registryKey)] ??= {
  targets: new Map(),
  child: false,
  imports: "quick"
}) as Registry

/**
 * The code that asks is run by a child, but not by its target: it stands at the top level of a module that the child imports.
 */
export const Importing: Context.Reference<boolean> = Context.Reference<boolean>(
  "effect-multiprocessing/internal/Importing",
  {
    defaultValue: () => registry.child
  }
)
