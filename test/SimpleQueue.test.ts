import { simpleQueueSuite } from "./suites/objects.ts"
import { layers } from "./support/sides.ts"

for (const [name, layer] of layers) simpleQueueSuite(name, layer)
