import { pipeSuite, waitSuite } from "./suites/objects.ts"
import { layers } from "./support/sides.ts"

for (const [name, layer] of layers) {
  pipeSuite(name, layer)
  waitSuite(name, layer)
}
