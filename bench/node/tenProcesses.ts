/** The whole program with Node alone: ten processes that print a line each. */
import { fork } from "node:child_process"

const [name, a] = process.argv.slice(2)
if (name === undefined) {
  console.log("MainProcess")
  await Promise.all(Array.from({ length: 10 }, (_, i) => {
    const child = fork(import.meta.filename, [`test_process_${i}`, `${i}`])
    return new Promise((resolve) => child.once("exit", resolve))
  }))
  console.log("end")
} else {
  // What a program of this kind imports.
  const { Console, Effect } = await import("effect")
  Effect.runSync(Console.log(name, "args:", a))
  process.disconnect()
}
