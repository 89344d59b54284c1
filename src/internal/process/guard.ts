/**
 * What ends the children and removes the directories of a process that died without doing it itself.
 *
 * A child notices the death of its parent by the end of its control channel. That is not enough: a child in a synchronous
 * loop notices nothing, and nobody is left to remove the directory of the dead process's hub. So the first time that a
 * process has something to leave behind, it starts a guard: a shell that reads, from a pipe that only this process can
 * write to, which processes and directories there are. When the pipe ends, by whatever cause, the guard gives the children
 * a moment to end by themselves, kills the others, and removes the directories. The guard costs one `sh`, about a megabyte.
 *
 * POSIX only. Where no shell can be started, children still notice the end of their control channel.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { ChildProcess } from "node:child_process"

/** Watches over what this process would leave behind. Every call is remembered until its opposite. */
export interface Guard {
  readonly watchProcess: (pid: number) => Effect.Effect<void>
  readonly unwatchProcess: (pid: number) => Effect.Effect<void>
  readonly watchDirectory: (path: string) => Effect.Effect<void>
  readonly unwatchDirectory: (path: string) => Effect.Effect<void>
}

/**
 * Lines: `P pid` and `p pid` watch and unwatch a process, `D path` and `d path` a directory, which must be ours by name.
 *
 * A process is known by its number and, where there is /proc, by its start time: a number that was given to another process
 * meanwhile is left alone. After `exec`-free parsing of /proc/PID/stat the start time is the 20th field after the name.
 */
const script = `
trap '' HUP INT QUIT TERM PIPE
newline='
'
started() {
  started=
  if [ -r "/proc/$1/stat" ] && read -r stat < "/proc/$1/stat"; then
    set -- \${stat##*) }
    started=\${20}
  fi
}
pids=
directories=
while read -r op arg; do
  case $op in
    P) started "$arg"; pids="$pids $arg:$started" ;;
    p) rest=; for p in $pids; do [ "\${p%%:*}" = "$arg" ] || rest="$rest $p"; done; pids=$rest ;;
    D) directories="$directories$arg$newline" ;;
    d) rest=; IFS=$newline; for d in $directories; do [ "$d" = "$arg" ] || rest="$rest$d$newline"; done
       unset IFS; directories=$rest ;;
  esac
done
alive() {
  kill -0 "\${1%%:*}" 2>/dev/null || return 1
  started "\${1%%:*}"
  [ "$started" = "\${1#*:}" ]
}
left() {
  for p in $pids; do alive "$p" && return 0; done
  return 1
}
tries=0
while [ $tries -lt 7 ] && left; do sleep 0.1; tries=$((tries + 1)); done
for p in $pids; do alive "$p" && kill -9 "\${p%%:*}"; done
IFS=$newline
for d in $directories; do
  case $d in */effect-mp-*) rm -rf -- "$d" ;; esac
done
`

/** @internal */
export class CurrentGuard extends Context.Service<CurrentGuard, Guard>()("effect-multiprocessing/internal/Guard") {}

const none: Guard = {
  watchProcess: () => Effect.void,
  unwatchProcess: () => Effect.void,
  watchDirectory: () => Effect.void,
  unwatchDirectory: () => Effect.void
}

const make: Effect.Effect<Guard, never, Scope.Scope> = Effect.gen(function*() {
  if (process.platform === "win32") return none
  let shell: ChildProcess | undefined
  const entries = new Set<string>()

  const start = () => {
    // A session of its own: a signal to the group of this process must not end its guard.
    const child = shell = process.getBuiltinModule("node:child_process").spawn("/bin/sh", ["-c", script], {
      cwd: "/",
      detached: true,
      stdio: ["pipe", "ignore", "ignore"]
    })
    child.unref()
    const stdin = child.stdin! as typeof child.stdin & { readonly unref: () => void }
    stdin.unref()
    stdin.on("error", () => {})
    child.on("error", () => {})
    // Somebody ended the guard: the next one must know everything.
    child.on("exit", (_, signal) => {
      if (shell !== child) return
      shell = undefined
      if (signal !== null && entries.size > 0) start()
    })
    for (const entry of entries) stdin.write(`${entry}\n`)
  }
  const watch = (entry: string) =>
    Effect.sync(() => {
      entries.add(entry)
      if (shell === undefined) start()
      else shell.stdin!.write(`${entry}\n`)
    })
  const unwatch = (entry: string) =>
    Effect.sync(() => {
      entries.delete(entry)
      shell?.stdin!.write(`${entry[0]!.toLowerCase()}${entry.slice(1)}\n`)
    })

  yield* Effect.addFinalizer(() =>
    Effect.callback<void>((resume) => {
      const child = shell
      if (child === undefined || child.exitCode !== null || child.pid === undefined) return resume(Effect.void)
      shell = undefined
      child.once("exit", () => resume(Effect.void))
      child.ref()
      child.stdin!.end()
    }).pipe(Effect.timeoutOption("3 seconds"))
  )
  return {
    watchProcess: (pid) => watch(`P ${pid}`),
    unwatchProcess: (pid) => unwatch(`P ${pid}`),
    watchDirectory: (path) => watch(`D ${path}`),
    unwatchDirectory: (path) => unwatch(`D ${path}`)
  }
})

/** One guard for everything that a program builds. */
export const layer: Layer.Layer<CurrentGuard> = Layer.effect(CurrentGuard)(make)
