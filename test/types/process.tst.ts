import { Context, Effect, type Layer, Schema, type Scope } from "effect"
import * as Mp from "effect-multiprocessing"
import { describe, expect, test } from "tstyche"

class Jobs extends Mp.Queue.Service<Jobs>()("types/Jobs", { item: Schema.Number }) {}
class Results extends Mp.Queue.Service<Results>()("types/Results", { item: Schema.String }) {}
class Link extends Mp.Pipe.Service<Link>()("types/Link", { message: Schema.Number }) {}
class Settings extends Mp.Inheritable.Value<Settings>()("types/Settings", Schema.Struct({ retries: Schema.Int })) {}
class Database extends Context.Service<Database, {}>()("types/Database") {}
class Negative extends Schema.TaggedError<Negative>()("Negative", { number: Schema.Number }) {}

const module = "file:///targets.ts"

const useJobs = Effect.orDie(Effect.asVoid(Jobs.use((jobs) => jobs.get())))
const useResults = Effect.orDie(Effect.asVoid(Results.use((results) => results.get())))

describe("Target", () => {
  const make = Mp.Target.make<typeof Schema.Void, typeof Schema.Void, typeof Schema.Never, [typeof Jobs]>

  test("may use what it inherits, the hub and the spawner of the child, and a scope", () => {
    expect(make).type.toBeCallableWith("t", { module, inherits: [Jobs] }, () => useJobs)
    expect(make).type.toBeCallableWith("t", { module, inherits: [Jobs] }, () => Effect.asVoid(Mp.Hub.Hub))
    expect(make).type.toBeCallableWith("t", { module, inherits: [Jobs] }, () => Effect.asVoid(Mp.Spawner.Spawner))
    expect(make).type.toBeCallableWith("t", { module, inherits: [Jobs] }, () => Effect.asVoid(Effect.scope))
    expect(make).type.toBeCallableWith("t", { module, inherits: [Jobs] }, () => Effect.asVoid(Mp.CurrentProcess))
  })

  test("that uses a service it does not inherit does not compile", () => {
    expect(make).type.not.toBeCallableWith("t", { module, inherits: [Jobs] }, () => useResults)
    expect(make).type.not.toBeCallableWith("t", { module, inherits: [Jobs] }, () => Effect.asVoid(Database))
  })

  test("that inherits a service which can't be inherited does not compile", () => {
    expect(Mp.Target.make).type.not.toBeCallableWith("t", { module, inherits: [Database] }, () => Effect.void)
    expect(Mp.Target.make).type.toBeCallableWith("t", { module, inherits: [Link.left, Settings] }, () => Effect.void)
  })

  test("that gives or fails with something else than it declares does not compile", () => {
    const typed = Mp.Target.make<typeof Schema.Void, typeof Schema.Number, typeof Negative, []>
    const options = { module, success: Schema.Number, error: Negative }
    expect(typed).type.toBeCallableWith("t", options, () => Effect.succeed(1))
    expect(typed).type.toBeCallableWith("t", options, () => Effect.fail(new Negative({ number: 1 })))
    expect(typed).type.not.toBeCallableWith("t", options, () => Effect.succeed("1"))
    expect(typed).type.not.toBeCallableWith("t", options, () => Effect.fail("no"))
    expect(make).type.not.toBeCallableWith("t", { module, inherits: [Jobs] }, () => Effect.fail("no"))
  })

  test("knows its payload, success, error and what its parent must provide", () => {
    const target = Mp.Target.make("t", {
      module,
      payload: Schema.Struct({ count: Schema.Int }),
      success: Schema.String,
      error: Negative,
      inherits: [Jobs, Link.right]
    }, ({ count }) => Effect.succeed(String(count)))
    expect(target).type.toBe<
      Mp.Target.Target<
        { readonly count: number },
        string,
        Negative,
        Jobs | Mp.Pipe.Side<Link, "right">
      >
    >()
  })
})

describe("Process", () => {
  const noPayload = Mp.Target.make("noPayload", { module, inherits: [Jobs] }, () => useJobs)
  const withPayload = Mp.Target.make(
    "withPayload",
    { module, payload: Schema.Number, success: Schema.String, error: Negative },
    () => Effect.succeed("")
  )
  const optional = Mp.Target.make("optional", { module, payload: Schema.UndefinedOr(Schema.Number) }, () => Effect.void)

  test("the payload may be left out only where it is void", () => {
    for (const start of [Mp.Process.spawn, Mp.Process.make]) {
      expect(start).type.toBeCallableWith(noPayload)
      expect(start).type.toBeCallableWith(noPayload, undefined, { name: "n", daemon: true, gracePeriod: "1 second" })
      expect(start).type.toBeCallableWith(withPayload, 1)
      expect(start).type.toBeCallableWith(optional, undefined)
      expect(start).type.not.toBeCallableWith(withPayload)
      expect(start).type.not.toBeCallableWith(withPayload, undefined)
      expect(start).type.not.toBeCallableWith(withPayload, "1")
      expect(start).type.not.toBeCallableWith(noPayload, 1)
      expect(start).type.not.toBeCallableWith(noPayload, undefined, { demon: true })
      expect(start).type.not.toBeCallableWith(optional)
    }
    expect(Mp.Process.run).type.not.toBeCallableWith(withPayload)
    expect(Mp.Process.run).type.toBeCallableWith(noPayload)
  })

  test("spawn requires in the parent what the child inherits", () => {
    const spawned = Mp.Process.spawn(noPayload)
    expect(spawned).type.toBe<
      Effect.Effect<
        Mp.Process.Process<void, never>,
        Mp.SpawnError | Mp.InvalidState,
        Jobs | Mp.Hub.Hub | Mp.Spawner.Spawner | Scope.Scope
      >
    >()
  })

  test("a program that spawns without providing what the child inherits does not compile", () => {
    const program = Effect.scoped(Mp.Process.spawn(noPayload))
    expect(Effect.runPromise).type.not.toBeCallableWith(program.pipe(Effect.provide(Mp.layer)))
    expect(Effect.runPromise).type.toBeCallableWith(program.pipe(Effect.provide(Jobs.layer), Effect.provide(Mp.layer)))
    expect(Mp.runMain).type.not.toBeCallableWith(program.pipe(Effect.provide(Mp.layer)))
    expect(Mp.runMain).type.toBeCallableWith(program.pipe(Effect.provide(Jobs.layer), Effect.provide(Mp.layer)))
  })

  test("join fails with the target's failures, and TimedOut only with a timeout", () => {
    const process = null as unknown as Mp.Process.Process<string, Negative>
    expect(process.join()).type.toBe<
      Effect.Effect<string, Negative | Mp.ProcessExited | Mp.InvalidState | Mp.Closed>
    >()
    expect(process.join({ timeout: "1 second" })).type.toBe<
      Effect.Effect<string, Negative | Mp.ProcessExited | Mp.TimedOut | Mp.InvalidState | Mp.Closed>
    >()
  })

  test("run gives what the target gives, and needs no scope", () => {
    expect(Mp.Process.run(withPayload, 1)).type.toBe<
      Effect.Effect<
        string,
        Negative | Mp.ProcessExited | Mp.SpawnError | Mp.InvalidState,
        Mp.Hub.Hub | Mp.Spawner.Spawner
      >
    >()
  })

  test("is covariant", () => {
    expect<Mp.Process.Process<1, never>>().type.toBeAssignableTo<Mp.Process.Process<number, Negative>>()
    expect<Mp.Process.Process<string, Negative>>().type.toBeAssignableTo<Mp.Process.Any>()
  })
})

describe("Inheritable.Value", () => {
  test("its layer takes a value of the schema", () => {
    expect(Settings.layer({ retries: 3 })).type.toBe<Layer.Layer<Settings>>()
    expect(Settings.layer).type.not.toBeCallableWith({ retries: "3" })
    expect(Effect.map(Settings, (settings) => settings)).type.toBe<
      Effect.Effect<{ readonly retries: number }, never, Settings>
    >()
  })
})

describe("the default layer", () => {
  test("provides a hub and a spawner", () => {
    expect(Mp.layer).type.toBe<Layer.Layer<Mp.Hub.Hub | Mp.Spawner.Spawner>>()
  })
})
