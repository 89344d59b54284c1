import { joinableQueueSuite } from "./suites/objects.ts"
import { layers } from "./support/sides.ts"

for (const [name, layer] of layers) joinableQueueSuite(name, layer)
