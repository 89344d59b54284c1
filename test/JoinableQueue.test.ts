import { joinableQueueSuite } from "./suites/objects.ts"
import { leavesNothingBehind } from "./support/processes.ts"
import { layers } from "./support/sides.ts"

leavesNothingBehind()

for (const [name, layer] of layers) joinableQueueSuite(name, layer)
