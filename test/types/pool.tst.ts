import { Context, Effect, Layer, Schema, type Scope, Stream } from "effect"
import * as Mp from "effect-multiprocessing"
import { describe, expect, test } from "tstyche"

class Jobs extends Mp.Queue.Service<Jobs>()("types/pool/Jobs", { item: Schema.Number }) {}
class Database extends Context.Service<Database, { readonly name: string }>()("types/pool/Database") {}
class Cache extends Context.Service<Cache, { readonly size: number }>()("types/pool/Cache") {}
class Negative extends Schema.TaggedError<Negative>()("Negative", { number: Schema.Number }) {}
class NoDatabase extends Schema.TaggedError<NoDatabase>()("NoDatabase", {}) {}

const module = "file:///targets.ts"

const plain = Mp.Target.make(
  "plain",
  { module, payload: Schema.Number, success: Schema.String, error: Negative },
  () => Effect.succeed("")
)
const noPayload = Mp.Target.make("noPayload", { module }, () => Effect.void)
const inheriting = Mp.Target.make("inheriting", { module, inherits: [Jobs] }, () => Effect.asVoid(Jobs))
const using = Mp.Target.make("using", { module, uses: [Database] }, () => Effect.asVoid(Database))
const usingBoth = Mp.Target.make("usingBoth", { module, uses: [Database, Cache] }, () => Effect.asVoid(Cache))
const values = Mp.StreamTarget.make(
  "values",
  { module, payload: Schema.Number, success: Schema.String, error: Negative },
  () => Stream.empty
)
const usingStream = Mp.StreamTarget.make(
  "usingStream",
  { module, success: Schema.String, uses: [Database] },
  () => Stream.empty
)

const withDatabase = Mp.Pool.worker("withDatabase", { module }, Layer.succeed(Database)({ name: "" }))
const failing = Mp.Pool.worker(
  "failing",
  { module, error: NoDatabase },
  Layer.effect(Database)(Effect.fail(new NoDatabase()))
)
const inheritingWorker = Mp.Pool.worker(
  "inheritingWorker",
  { module, inherits: [Jobs] },
  Layer.effect(Database)(Effect.as(Jobs, { name: "" }))
)

type MakeFailure = Mp.SpawnError | Mp.WorkerLost | Mp.InvalidArgument | Mp.InvalidState | Mp.Unsupported
type Surroundings = Scope.Scope | Mp.Spawner.Spawner | Mp.Hub.Hub

const pool = null as unknown as Mp.Pool.Pool
const failingPool = null as unknown as Mp.Pool.Pool<never, NoDatabase>
const databasePool = null as unknown as Mp.Pool.Pool<Mp.Target.InWorkers<Database>>

describe("Pool.make", () => {
  test("requires a hub, a spawner and a scope", () => {
    expect(Mp.Pool.make()).type.toBe<Effect.Effect<Mp.Pool.Pool, MakeFailure, Surroundings>>()
  })

  test("requires what its targets inherit, and gives a pool that can run them", () => {
    const made = Mp.Pool.make({ targets: [inheriting, plain] })
    expect(made).type.toBe<Effect.Effect<Mp.Pool.Pool<Jobs>, MakeFailure, Surroundings | Jobs>>()
  })

  test("requires what its worker inherits, and provides to targets what the worker has", () => {
    const made = Mp.Pool.make({ worker: inheritingWorker, targets: [using] })
    expect(made).type.toBe<
      Effect.Effect<Mp.Pool.Pool<Mp.Target.InWorkers<Database>>, MakeFailure, Surroundings | Jobs>
    >()
  })

  test("requires what its targets use and its worker does not have, which nobody can provide", () => {
    const made = Mp.Pool.make({ worker: withDatabase, targets: [usingBoth] })
    expect(made).type.toBe<
      Effect.Effect<
        Mp.Pool.Pool<Mp.Target.InWorkers<Database>>,
        MakeFailure,
        Surroundings | Mp.Target.InWorkers<Cache>
      >
    >()
    expect(Effect.runPromise).type.not.toBeCallableWith(Effect.scoped(made).pipe(Effect.provide(Mp.layer)))
  })

  test("fails with the failures of the worker's layer", () => {
    expect(Mp.Pool.make({ worker: failing })).type.toBe<
      Effect.Effect<Mp.Pool.Pool<Mp.Target.InWorkers<Database>, NoDatabase>, NoDatabase | MakeFailure, Surroundings>
    >()
  })

  test("takes targets that give streams too", () => {
    expect(Mp.Pool.make({ targets: [values, inheriting] })).type.toBe<
      Effect.Effect<Mp.Pool.Pool<Jobs>, MakeFailure, Surroundings | Jobs>
    >()
  })

  test("takes no option that is not one", () => {
    expect(Mp.Pool.make).type.not.toBeCallableWith({ sise: 2 })
    expect(Mp.Pool.make).type.not.toBeCallableWith({ output: "pipe" })
  })
})

describe("Pool.worker", () => {
  test("takes a layer that needs what it inherits, and fails as it declares", () => {
    const needy = Layer.effect(Database)(Effect.as(Jobs, { name: "" }))
    expect(Mp.Pool.worker).type.toBeCallableWith("w", { module, inherits: [Jobs] }, needy)
    expect(Mp.Pool.worker).type.not.toBeCallableWith("w", { module }, needy)
    const fails = Layer.effect(Database)(Effect.fail(new NoDatabase()))
    expect(Mp.Pool.worker).type.toBeCallableWith("w", { module, error: NoDatabase }, fails)
    expect(Mp.Pool.worker).type.not.toBeCallableWith("w", { module }, fails)
  })
})

describe("a target that uses a service of its worker", () => {
  test("can't be run by a process of its own", () => {
    const spawned = Effect.scoped(Mp.Process.spawn(using)).pipe(Effect.provide(Mp.layer))
    expect(Effect.runPromise).type.not.toBeCallableWith(spawned)
    const run = Mp.Process.run(using).pipe(Effect.provide(Mp.layer))
    expect(Effect.runPromise).type.not.toBeCallableWith(run)
    // Also if the service is there.
    const provided = Effect.provideService(run, Database, { name: "" })
    expect(Effect.runPromise).type.not.toBeCallableWith(provided)
  })

  test("can be run by a pool whose worker has it, and by no other", () => {
    expect(databasePool.run).type.toBeCallableWith(using)
    expect(databasePool.run).type.not.toBeCallableWith(usingBoth)
    expect(databasePool.runStream).type.toBeCallableWith(usingStream)
    expect(pool.run).type.not.toBeCallableWith(using)
    expect(pool.submit).type.not.toBeCallableWith(using)
    expect(pool.map).type.not.toBeCallableWith(using, [undefined])
    expect(pool.forEach).type.not.toBeCallableWith(using, [undefined])
    expect(pool.imap).type.not.toBeCallableWith(using, [undefined])
    expect(pool.imapUnordered).type.not.toBeCallableWith(using, [undefined])
    expect(pool.stream).type.not.toBeCallableWith(using)
    expect(pool.broadcast).type.not.toBeCallableWith(using)
    expect(pool.runStream).type.not.toBeCallableWith(usingStream)
  })
})

describe("a target that inherits", () => {
  test("can be run only by a pool that was made for it", () => {
    expect(pool.run).type.not.toBeCallableWith(inheriting)
    expect(null as unknown as Mp.Pool.Pool<Jobs>["run"]).type.toBeCallableWith(inheriting)
  })
})

describe("a task", () => {
  test("takes a payload of its target, which may be left out only where it is void", () => {
    expect(pool.run).type.toBeCallableWith(plain, 1)
    expect(pool.run).type.toBeCallableWith(plain, 1, { priority: 1, idempotent: true })
    expect(pool.run).type.toBeCallableWith(noPayload)
    expect(pool.run).type.not.toBeCallableWith(plain)
    expect(pool.run).type.not.toBeCallableWith(plain, "1")
    expect(pool.run).type.not.toBeCallableWith(noPayload, 1)
    expect(pool.run).type.not.toBeCallableWith(plain, 1, { urgent: true })
    expect(pool.map).type.not.toBeCallableWith(plain, ["1"])
    expect(pool.runStream).type.not.toBeCallableWith(values, "1")
  })

  test("gives the value of its target; fails as its target, as a task can, and as the worker's layer", () => {
    expect(pool.run(plain, 1)).type.toBe<Effect.Effect<string, Negative | Mp.Pool.TaskFailure>>()
    expect(failingPool.run(plain, 1)).type.toBe<
      Effect.Effect<string, Negative | NoDatabase | Mp.Pool.TaskFailure>
    >()
    expect(failingPool.submit(plain, 1)).type.toBe<
      Effect.Effect<
        Mp.Pool.Task<string, Negative | NoDatabase | Mp.Pool.TaskFailure>,
        NoDatabase | Mp.Pool.TaskFailure
      >
    >()
    expect(pool.broadcast(plain, 1)).type.toBe<Effect.Effect<Array<string>, Negative | Mp.Pool.TaskFailure>>()
  })

  test("of many gives many values; sizes that can't be right are failures", () => {
    expect(pool.map(plain, [1])).type.toBe<
      Effect.Effect<Array<string>, Negative | Mp.Pool.TaskFailure | Mp.InvalidArgument>
    >()
    expect(pool.forEach(plain, new Set([1]))).type.toBe<
      Effect.Effect<void, Negative | Mp.Pool.TaskFailure | Mp.InvalidArgument>
    >()
    expect(pool.imap(plain, [1])).type.toBe<
      Stream.Stream<string, Negative | Mp.Pool.TaskFailure | Mp.InvalidArgument>
    >()
    expect(pool.imapUnordered(plain, [1])).type.toBe<
      Stream.Stream<string, Negative | Mp.Pool.TaskFailure | Mp.InvalidArgument>
    >()
  })

  test("of a stream's elements adds its failures to those of the stream, and keeps its requirements", () => {
    const input = null as unknown as Stream.Stream<number, "bad input", Database>
    expect(input.pipe(pool.stream(plain))).type.toBe<
      Stream.Stream<string, Negative | Mp.Pool.TaskFailure | Mp.InvalidArgument | "bad input", Database>
    >()
    const texts = null as unknown as Stream.Stream<string>
    expect(pool.stream(plain)).type.not.toBeCallableWith(texts)
  })

  test("that gives a stream has the elements and failures of its target", () => {
    expect(pool.runStream(values, 1)).type.toBe<Stream.Stream<string, Negative | Mp.Pool.TaskFailure>>()
  })
})

describe("Pool.Service", () => {
  class Workers extends Mp.Pool.Service<Workers>()("types/pool/Workers", {
    worker: failing,
    targets: [using, inheriting]
  }) {}

  test("is a tag with a layer that requires what the pool does", () => {
    expect(Workers.layer).type.toBe<
      Layer.Layer<Workers, NoDatabase | MakeFailure, Mp.Spawner.Spawner | Mp.Hub.Hub | Jobs>
    >()
    const run = Workers.use((workers) => workers.run(using))
    expect(run).type.toBe<Effect.Effect<void, NoDatabase | Mp.Pool.TaskFailure, Workers>>()
  })
})
