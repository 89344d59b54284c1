/** How each arm is started, in a main process of its own. */
import { spawn, spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { Arm, Case } from "./cases.ts"
import * as Procfs from "./procfs.ts"
import type { Measurement } from "./work.ts"

/**
 * An arm that polls looks for more in a loop while it is busy, and so uses a processor that others might want; one that sleeps is woken by
 * the operating system. Ours over rings polls for 200 microseconds after the last message, and then sleeps.
 */
export const waits = (arm: Arm): "polls" | "sleeps" => arm === "ours" || arm === "ours-plain" ? "polls" : "sleeps"

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** The interpreter itself: what is found as `python3` may be a script that looks for it, at each start. */
const python = spawnSync("python3", ["-c", "import sys; print(sys.executable)"], { encoding: "utf8" }).stdout?.trim() ||
  undefined

const node = (path: string, ...args: ReadonlyArray<string>) => [
  process.execPath,
  // So that `node --conditions=@effect-multiprocessing/source bench/main.ts` measures the sources.
  ...process.execArgv,
  here(path),
  ...args
]

/** With the flag that docs/processes.md recommends. */
const registered = (path: string, ...args: ReadonlyArray<string>) => {
  const [executable, ...rest] = node(path, ...args)
  return [executable!, "--import", "effect-multiprocessing/register", ...rest]
}

const command = (arm: Arm, { name }: Case, count: number): ReadonlyArray<string> => {
  const whole = name === "ten-processes"
  const pool = name.startsWith("pool-")
  const ours = (start: typeof node) =>
    whole ? start("ours/tenProcesses.ts") : start("ours/main.ts", name, `${count}`, "ring")
  switch (arm) {
    case "ours":
      return ours(registered)
    case "ours-socket":
      return registered("ours/main.ts", name, `${count}`, "socket")
    case "ours-plain":
      return ours(node)
    case "cpython":
      if (pool) return [python!, here("python/pools.py"), name, `${count}`, "pool"]
      return whole
        ? [python!, here("python/ten_processes.py")]
        : [python!, here("python/peer.py"), name, `${count}`]
    case "cpython-executor":
      return [python!, here("python/pools.py"), name, `${count}`, "executor"]
    case "node-fork-json":
      return whole ? node("node/tenProcesses.ts") : node("node/main.ts", name, `${count}`, "json")
    case "node-fork-advanced":
      return node("node/main.ts", name, `${count}`, "advanced")
    case "node-socket":
      return node("node/main.ts", name, `${count}`, "socket")
    case "effect-rpc":
      return node("effect-rpc/main.ts", name, `${count}`)
    case "piscina":
    case "tinypool-thread":
    case "tinypool-process":
    case "workerpool-thread":
    case "workerpool-process":
      return node("node-pools/main.ts", name, `${count}`, arm)
  }
}

/** Why an arm can't take part on this machine. */
const missing = (arm: Arm): string | undefined =>
  (arm === "cpython" || arm === "cpython-executor") && python === undefined ? "there is no python3" : undefined

/** No arm takes as long, unless it hangs. */
const patience = 300_000

/** Runs an arm once. Gives a text if it can't take part; throws if it fails. */
export const run = (arm: Arm, which: Case, count: number): Promise<Measurement | string> => {
  const reason = missing(arm)
  if (reason !== undefined) return Promise.resolve(reason)
  const { promise, reject, resolve } = Promise.withResolvers<Measurement | string>()
  const [file, ...args] = command(arm, which, count)
  const cpu = Procfs.cpuOfEnded()
  const start = performance.now()
  const child = spawn(file!, args, { stdio: ["ignore", "pipe", "inherit"], timeout: patience, killSignal: "SIGKILL" })
  let output = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => output += text)
  child.on("error", reject)
  child.on("close", (code, signal) => {
    const seconds = (performance.now() - start) / 1000
    if (code !== 0) return reject(new Error(`${arm} in ${which.name}: ended with ${code ?? signal}`))
    if (which.name === "ten-processes") {
      const lines = output.split("test_process_").length - 1
      if (lines !== 10) return reject(new Error(`${arm}: ${lines} processes have printed`))
      return resolve({ seconds, count: 10, cpu: cpu === undefined ? undefined : Procfs.cpuOfEnded()! - cpu })
    }
    const result = JSON.parse(output)
    resolve("skip" in result ? result.skip : result)
  })
  return promise
}
