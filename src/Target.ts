/**
 * What a process runs: a named entry of a module.
 *
 * A child process can't get a function from its parent. It imports the module that defines the target, and finds the target there by its
 * name. So a target is defined at the top level of a module, and importing that module must start nothing: a main program in the
 * same module is run with `runMain`, which does nothing in a child, or under `if (import.meta.main)` (Node 24.2).
 *
 * Payload, success and error cross the border by their schemas; the whole `Cause` of a failure crosses too. Services cross by inheritance: see
 * `Inheritable`.
 *
 * Python: `target=` and `args=` of `Process`, or the `run()` of its subclass.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { Hub } from "./Hub.ts"
import type * as Inheritable from "./Inheritable.ts"
import type * as Codec from "./internal/codec.ts"
import * as Main from "./internal/process/main.ts"
import { toModuleUrl } from "./internal/process/moduleUrl.ts"
import { type RegisteredTarget, registry } from "./internal/process/registry.ts"
import type { Spawner } from "./Spawner.ts"

/**
 * @category type ids
 * @since 0.1.0
 */
export const TypeId = "~effect-multiprocessing/Target"

/**
 * What a process runs. `R` is what the parent must provide: the services that the target inherits.
 *
 * @category models
 * @since 0.1.0
 */
export interface Target<in Payload, out A, out E, out R> {
  readonly [TypeId]: {
    readonly _Payload: (_: Payload) => void
    readonly _A: (_: never) => A
    readonly _E: (_: never) => E
    readonly _R: (_: never) => R
  }
  readonly name: string
  /** URL of the module that defines the target. */
  readonly module: string
}

/**
 * Any target.
 *
 * @category models
 * @since 0.1.0
 */
export type Any = Target<any, any, any, any>

/**
 * What a target needs that uses a service of the worker it runs in. Nobody provides this but a pool whose worker has the service.
 *
 * @category models
 * @since 0.1.0
 */
export interface InWorker<in out Service> {
  readonly "provided by the worker of a pool": (_: Service) => Service
}

/**
 * {@link InWorker}, for each of several services.
 *
 * @category utility types
 * @since 0.1.0
 */
export type InWorkers<Services> = Services extends unknown ? InWorker<Services> : never

/**
 * @category guards
 * @since 0.1.0
 */
export const isTarget = (u: unknown): u is Any => Predicate.hasProperty(u, TypeId)

/** @internal */
export interface Definition {
  readonly name: string
  readonly module: string
  readonly payload: Codec.Portable
  readonly success: Codec.Portable
  readonly error: Codec.Portable
  readonly inherits: ReadonlyArray<Inheritable.Any>
  readonly run: (payload: any) => Effect.Effect<any, any, any>
}

/** @internal */
export const definitionOf = (target: Any): Definition => target as unknown as Definition

/** @internal */
export const variance = {
  _Payload: (_: never) => {},
  _A: (_: never) => _,
  _E: (_: never) => _,
  _R: (_: never) => _
}

const Proto = {
  [TypeId]: variance,
  toJSON(this: Any) {
    return { _id: "Target", name: this.name, module: this.module }
  }
}

/**
 * Defines what a process runs.
 *
 * **Details**
 *
 * - `name`: unique among the targets of the module
 * - `module`: `import.meta.url`
 * - `payload`, `success`, `error`: schemas; by default nothing, nothing, and no typed failure
 * - `inherits`: the services that the child gets from its parent. Inside of `run` exactly these are available, besides the hub and the
 *   spawner of the child (for its own objects and children) and a scope that closes when `run` is over
 * - `uses`: services of the worker that the target runs in. Such a target runs in a pool whose worker provides them, and nowhere else: see
 *   `Pool.worker`
 *
 * A success or an error may be anything that its schema can encode; one that it can't encode is a defect of the target.
 *
 * **Gotchas**
 *
 * `run` is looked up in the child by module and name: what it closes over is that of the child's own import, not of the parent.
 *
 * **Example** (A target with a payload, a success and an error)
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import * as Mp from "effect-multiprocessing"
 *
 * class Negative extends Schema.TaggedError<Negative>()("Negative", { number: Schema.Number }) {}
 *
 * export const squareRoot = Mp.Target.make(
 *   "squareRoot",
 *   { module: import.meta.url, payload: Schema.Number, success: Schema.Number, error: Negative },
 *   (number) => number < 0 ? Effect.fail(new Negative({ number })) : Effect.succeed(Math.sqrt(number))
 * )
 *
 * const program = Effect.gen(function*() {
 *   console.log(yield* Mp.Process.run(squareRoot, 9)) // => 3
 *   const error = yield* Effect.flip(Mp.Process.run(squareRoot, -1))
 *   console.log(error instanceof Negative) // => true
 * })
 *
 * Mp.runMain(program.pipe(Effect.provide(Mp.layer)))
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <
  P extends Codec.Portable = typeof Schema.Void,
  S extends Codec.Portable = typeof Schema.Void,
  E extends Codec.Portable = typeof Schema.Never,
  const I extends ReadonlyArray<Inheritable.Any> = [],
  const U extends ReadonlyArray<Context.Key<any, any>> = []
>(
  name: string,
  options: {
    readonly module: string | URL
    readonly payload?: P
    readonly success?: S
    readonly error?: E
    readonly inherits?: I
    readonly uses?: U
  },
  run: (
    payload: P["Type"]
  ) => Effect.Effect<
    S["Type"],
    E["Type"],
    Inheritable.Services<I> | U[number]["Identifier"] | Hub | Spawner | Scope.Scope
  >
): Target<P["Type"], S["Type"], E["Type"], Inheritable.Services<I> | InWorkers<U[number]["Identifier"]>> => {
  const definition: Definition = {
    name,
    module: toModuleUrl(options.module),
    payload: options.payload ?? Schema.Void,
    success: options.success ?? Schema.Void,
    error: options.error ?? Schema.Never,
    inherits: options.inherits ?? [],
    run
  }
  const target = Object.assign(Object.create(Proto), definition)
  const registered: RegisteredTarget = {
    name,
    definition,
    inProcess: (channel) => Main.inProcess(definition, channel),
    inThread: (port) => Main.inThread(definition, port)
  }
  const siblings = registry.targets.get(definition.module)
  if (siblings === undefined) registry.targets.set(definition.module, [registered])
  else siblings.push(registered)
  return target
}
