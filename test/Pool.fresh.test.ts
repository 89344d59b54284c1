import { poolSuite } from "./suites/pools.ts"
import { leavesNothingBehind } from "./support/processes.ts"
import { spawners } from "./support/spawners.ts"

leavesNothingBehind()

poolSuite(...spawners.fresh)
