/**
 * How a process ended, as Python's `exitcode` tells it: 0 to 255, or minus the number of the signal.
 */
import * as os from "node:os"

/** The number of a signal on this platform. */
export const signalNumber = (name: NodeJS.Signals): number => os.constants.signals[name]

/** The name of a signal on this platform, or its number in words. */
export const signalName = (number: number): string => {
  for (const [name, n] of Object.entries(os.constants.signals)) {
    if (n === number) return name
  }
  return `signal ${number}`
}

/** What the operating system reported, as one number. */
export const toExitCode = (code: number | null, signal: NodeJS.Signals | null): number =>
  signal !== null ? -signalNumber(signal) : (code ?? 1)
