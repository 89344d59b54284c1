import { childrenSuite } from "./suites/children.ts"
import { processSuite } from "./suites/processes.ts"
import { leavesNothingBehind } from "./support/processes.ts"
import { spawners } from "./support/spawners.ts"

leavesNothingBehind()

processSuite(...spawners.fresh)
childrenSuite(...spawners.fresh)
