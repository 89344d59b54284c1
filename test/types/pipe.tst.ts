import { type Effect, type Layer, Schema, type Scope, type Stream } from "effect"
import * as Mp from "effect-multiprocessing"
import { describe, expect, test } from "tstyche"

class Plain extends Mp.Pipe.Service<Plain>()("types/Plain", { message: Schema.Number }) {}
class OneWay extends Mp.Pipe.Service<OneWay>()("types/OneWay", { message: Schema.Number, duplex: false }) {}
class Typed
  extends Mp.Pipe.Service<Typed>()("types/Typed", { leftToRight: Schema.Number, rightToLeft: Schema.String })
{}

declare const connection: Mp.Connection.Connection<number, string>

type Gone = Mp.Closed | Mp.HubLost
type Shape<T> = T extends Mp.Inheritable.Inheritable<any, infer S> ? S : never

describe("the ends of a pipe", () => {
  test("of one schema both send and receive", () => {
    expect<Shape<typeof Plain.left>>().type.toBe<Mp.Connection.Connection<number, number>>()
    expect<Shape<typeof Plain.right>>().type.toBe<Mp.Connection.Connection<number, number>>()
  })

  test("CONN-11 of a one-way pipe: the left end only receives, the right end only sends", () => {
    expect<Shape<typeof OneWay.left>>().type.toBe<Mp.Connection.Receiver<number>>()
    expect<Shape<typeof OneWay.right>>().type.toBe<Mp.Connection.Sender<number>>()
    expect<Mp.Connection.Receiver<number>>().type.not.toHaveProperty("send")
    expect<Mp.Connection.Receiver<number>>().type.not.toHaveProperty("sendBytes")
    expect<Mp.Connection.Sender<number>>().type.not.toHaveProperty("recv")
    expect<Mp.Connection.Sender<number>>().type.not.toHaveProperty("poll")
    expect<Mp.Connection.Sender<number>>().type.not.toHaveProperty("stream")
  })

  test("of a pipe with two schemas each send what the other receives", () => {
    expect<Shape<typeof Typed.left>>().type.toBe<Mp.Connection.Connection<number, string>>()
    expect<Shape<typeof Typed.right>>().type.toBe<Mp.Connection.Connection<string, number>>()
  })

  test("make gives both, and needs a hub and a scope", () => {
    expect(Mp.Pipe.make({ message: Schema.String, duplex: false })).type.toBe<
      Effect.Effect<
        readonly [left: Mp.Connection.Receiver<string>, right: Mp.Connection.Sender<string>],
        never,
        Mp.Hub.Hub | Scope.Scope
      >
    >()
    expect(Mp.Pipe.make).type.not.toBeCallableWith({})
    expect(Mp.Pipe.make).type.not.toBeCallableWith({ leftToRight: Schema.String })
  })

  test("are two services that one layer provides", () => {
    expect(Plain.layer).type.toBe<
      Layer.Layer<Mp.Pipe.Side<Plain, "left"> | Mp.Pipe.Side<Plain, "right">, never, Mp.Hub.Hub>
    >()
  })

  test("are not mistaken for each other, or for those of another pipe", () => {
    expect<typeof Typed.left.Identifier>().type.not.toBeAssignableTo<typeof Typed.right.Identifier>()
    expect<typeof Plain.left.Identifier>().type.not.toBeAssignableTo<typeof OneWay.left.Identifier>()
  })
})

describe("Connection", () => {
  test("a message of another type does not compile", () => {
    expect(connection.send).type.toBeCallableWith(1)
    expect(connection.send).type.not.toBeCallableWith("1")
  })

  test("recv() can't be TimedOut; with a timeout it can", () => {
    expect(connection.recv()).type.toBe<Effect.Effect<string, Mp.EndOfFile | Mp.DecodeError | Gone>>()
    expect(connection.recv({ timeout: 1 })).type.toBe<
      Effect.Effect<string, Mp.TimedOut | Mp.EndOfFile | Mp.DecodeError | Gone>
    >()
  })

  test("only a limit of length can be exceeded", () => {
    expect(connection.recvBytes()).type.toBe<Effect.Effect<Uint8Array, Mp.EndOfFile | Gone>>()
    expect(connection.recvBytes({ maxLength: 1 })).type.toBe<
      Effect.Effect<Uint8Array, Mp.InvalidArgument | Mp.BufferTooShort | Mp.EndOfFile | Gone>
    >()
    expect(connection.recvBytesInto).type.toBeCallableWith(new Float64Array(1), 4)
    expect(connection.recvBytesInto).type.not.toBeCallableWith([1, 2, 3])
  })

  test("send and poll say how they fail", () => {
    expect(connection.send(1)).type.toBe<Effect.Effect<void, Mp.BrokenPipe | Mp.EncodeError | Gone>>()
    expect(connection.sendBytes(new Uint8Array(1))).type.toBe<
      Effect.Effect<void, Mp.InvalidArgument | Mp.BrokenPipe | Gone>
    >()
    expect(connection.poll()).type.toBe<Effect.Effect<boolean, Gone>>()
    expect(connection.fileno).type.toBe<Effect.Effect<number, Mp.Closed>>()
    expect(connection.close).type.toBe<Effect.Effect<void>>()
  })

  test("its stream ends with the other end, and does not fail with it", () => {
    expect(connection.stream).type.toBe<Stream.Stream<string, Mp.DecodeError | Gone>>()
  })

  test("can be given away for less", () => {
    expect<Mp.Connection.Connection<number, string>>().type.toBeAssignableTo<Mp.Connection.Sender<1>>()
    expect<Mp.Connection.Connection<number, string>>().type.toBeAssignableTo<Mp.Connection.Receiver<string | null>>()
    expect<Mp.Connection.Connection<number, string>>().type.not.toBeAssignableTo<Mp.Connection.Sender<string>>()
  })

  test("the schema of an end as a part of a payload decodes to the end", () => {
    const schema = Mp.Connection.handle({ send: Schema.Number, receive: Schema.String })
    expect<typeof schema["Type"]>().type.toBe<Mp.Connection.Connection<number, string>>()
  })
})

describe("wait", () => {
  test("gives some of what it was given", () => {
    const receiver: Mp.Connection.Receiver<string> = connection
    const sentinel = null as unknown as Effect.Effect<void, Mp.InvalidState | Mp.Closed>
    expect(Mp.wait([receiver, sentinel])).type.toBe<Effect.Effect<Array<typeof receiver | typeof sentinel>>>()
  })

  test("does not take an end that only sends", () => {
    const sender: Mp.Connection.Sender<number> = connection
    expect(Mp.wait).type.toBeCallableWith([connection], { timeout: 1 })
    expect(Mp.wait).type.not.toBeCallableWith([sender])
  })
})
