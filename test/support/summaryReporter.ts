import type { Reporter, TestModule } from "vitest/node"

/**
 * Prints `N passed, N failed` as the last line of a run.
 *
 * Whatever stops tests from passing counts as a failure: a file that cannot be imported, a failing hook, a test that
 * never finished, an unhandled error.
 */
export default class SummaryReporter implements Reporter {
  #passed = 0
  #failed = 0
  #skipped = 0

  onInit(): void {
    // The exit handler runs after everything vitest has to say.
    process.once("exit", (code) => {
      const failed = code === 0 ? this.#failed : Math.max(this.#failed, 1)
      const skipped = this.#skipped === 0 ? "" : `, ${this.#skipped} skipped`
      process.stdout.write(`${this.#passed} passed, ${failed} failed${skipped}\n`)
    })
  }

  onTestRunEnd(modules: ReadonlyArray<TestModule>, unhandledErrors: ReadonlyArray<unknown>): void {
    this.#passed = 0
    this.#failed = unhandledErrors.length
    this.#skipped = 0
    for (const module of modules) {
      for (const container of [module, ...module.children.allSuites()]) {
        if (container.errors().length > 0) this.#failed++
      }
      for (const test of module.children.allTests()) {
        switch (test.result().state) {
          case "passed":
            this.#passed++
            break
          case "skipped":
            this.#skipped++
            break
          default:
            this.#failed++
        }
      }
    }
  }
}
