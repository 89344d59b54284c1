import { interruptionSuite } from "./suites/interruption.ts"
import { layers } from "./support/sides.ts"

for (const [name, layer] of layers) interruptionSuite(name, layer)
