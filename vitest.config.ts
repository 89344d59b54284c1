import { defaultServerConditions } from "vite"
import { defineConfig } from "vitest/config"

// Makes "effect-multiprocessing" mean src/ here, in the test processes and in the processes they start.
const source = "@effect-multiprocessing/source"
const conditions = [source, ...defaultServerConditions]

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["**/node_modules/**", "test/types/**", "test/fixtures/**"],
    pool: "forks",
    maxWorkers: 2,
    execArgv: [`--conditions=${source}`],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    reporters: ["default", "./test/support/summaryReporter.ts"]
  }
})
