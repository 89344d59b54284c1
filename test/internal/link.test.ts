import { assert, describe, it } from "@effect/vitest"
import { Kernel } from "../../src/internal/hub/kernel.ts"
import * as Link from "../../src/internal/hub/link.ts"
import * as Message from "../../src/internal/hub/message.ts"
import { nothingShared, queue } from "../support/sharedObject.ts"

const { GetFlag, Reply, Request } = Message

describe("the link to the hub of this process", () => {
  it("answers the one who asks, also if somebody else asks when others' news are taken in for it", () => {
    const kernel = new Kernel({ makeToken: () => Buffer.alloc(16), transport: nothingShared })
    let poll = () => {}
    const later: Array<() => void> = []
    const local = Link.local({
      kernel,
      later: (task) => later.push(task),
      poll: () => poll(),
      letIn: (peer, message) => kernel.receive(peer, message)
    })
    const delivered: Array<Message.Message> = []
    const link = local.open({ onMessage: (message) => delivered.push(message), onLost: () => {} })
    for (const ref of [1, 2]) kernel.create(local.peer(), queue(0), [ref])
    link.near!.put(1, Buffer.from("a"), { isOwned: true })
    let inner: Message.Message | undefined
    poll = () => {
      poll = () => {}
      inner = link.ask(Message.make(Request.Get, 7, 2, GetFlag.nowait), true)
    }
    const outer = link.ask(Message.make(Request.Get, 6, 1, 0), true)
    assert.deepStrictEqual([inner?.request, inner?.op], [7, Reply.Failed])
    assert.deepStrictEqual([outer?.request, outer?.op, Buffer.from(outer!.bytes).toString()], [6, Reply.Item, "a"])
    for (const task of later) task()
    assert.deepStrictEqual(delivered, [])
  })
})
