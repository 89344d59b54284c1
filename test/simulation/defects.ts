/** Deliberate defects, each of which the simulation must find: where, what stands there, and what would be wrong. */
export const defects = [
  {
    defect: "the client forgets to accept",
    file: "src/internal/hub/client.ts",
    find: "this.send(Message.Request.Accept, entry.request, noReference, 0)",
    replace: "void Message.Request.Accept"
  },
  {
    defect: "an interrupted get keeps its item",
    file: "src/internal/hub/client.ts",
    find: "this.send(Message.Request.Return, entry.request, noReference, 0)",
    replace: "void Message.Request.Return"
  },
  {
    defect: "an item is handed out although its acceptance may not have left",
    file: "src/internal/hub/client.ts",
    find: "unreadBytes <= maxUnread.bytes",
    replace: "unreadBytes <= Infinity"
  },
  {
    defect: "a timed out put does not ask whether it happened",
    file: "src/internal/hub/client.ts",
    find:
      "if (this.entries.get(entry.request) === entry) this.send(Message.Request.Cancel, entry.request, noReference, 0)",
    replace:
      "if (this.entries.delete(entry.request)) entry.deliver(Message.make(Message.Reply.Failed, entry.request, 0, Message.Refusal.Cancelled))"
  },
  {
    defect: "pending requests do not learn that the hub is lost",
    file: "src/internal/hub/client.ts",
    find: "for (const entry of entries) entry.deliver(lost)",
    replace: "void entries"
  },
  {
    defect: "a returned item goes to the wrong place",
    file: "src/internal/hub/mailbox.ts",
    find: "while (index > 0 && this.returned[index - 1]!.seq > item.seq) index--",
    replace: "index = 0"
  },
  {
    defect: "a returned item goes to the end",
    file: "src/internal/hub/mailbox.ts",
    find: "if (!this.endLease(item)) return\n    this.insert(item)",
    replace: "if (!this.endLease(item)) return\n    MutableList.append(this.fresh, item)"
  },
  {
    defect: "the end of file comes although an item may still come back",
    file: "src/internal/hub/mailbox.ts",
    find: "this.leased === 0 &&",
    replace: ""
  },
  {
    defect: "one item too many fits",
    file: "src/internal/hub/mailbox.ts",
    find: "this.items + this.reserved.items >= this.options.maxItems",
    replace: "this.items + this.reserved.items > this.options.maxItems"
  },
  {
    defect: "an accepted item does not make room",
    file: "src/internal/hub/mailbox.ts",
    find: "this.release(item)\n    if (!keep)",
    replace: "if (!keep)"
  },
  {
    defect: "a ticket is not counted as a holder",
    file: "src/internal/hub/kernel.ts",
    find: "if (object.kind === \"pipe\") object.holders[side]++\n    else object.tickets++",
    replace: "if (object.kind === \"queue\") object.tickets++"
  },
  {
    defect: "a dead client's items do not go back",
    file: "src/internal/hub/kernel.ts",
    find: "if (\"lease\" in open) open.front.giveBack(open.lease)\n      else open.cancel()",
    replace: "if (!(\"lease\" in open)) open.cancel()"
  },
  {
    defect: "a dead client is still a holder",
    file: "src/internal/hub/kernel.ts",
    find: "for (const ref of peer.holdings.keys()) this.detach(peer, ref)",
    replace: ""
  },
  {
    defect: "unfinished items of a dead consumer are forgotten",
    file: "src/internal/hub/kernel.ts",
    find: "else for (const item of unfinished) object.front.restore(item)",
    replace: ""
  },
  {
    defect: "who waits in join is not told",
    file: "src/internal/hub/kernel.ts",
    find: "      joiner()\n",
    replace: ""
  },
  {
    defect: "a travelling end dies with its sender",
    file: "src/internal/hub/kernel.ts",
    find: "this.own(name, enclosed[i]!, undefined)",
    replace: "void name"
  },
  {
    defect: "a travelling end can be received once only, even if the receiver dies",
    file: "src/internal/hub/kernel.ts",
    find: "if (!ticket.reusable) this.dropTicket(name, ticket)",
    replace: "this.dropTicket(name, ticket)"
  },
  {
    defect: "a message keeps its travelling end for ever",
    file: "src/internal/hub/kernel.ts",
    find: "if (this.tickets.has(name)) this.dropTicket(name, enclosed[i]!)",
    replace: ""
  },
  {
    defect: "what a dead process had written into its ring is not read",
    file: "src/internal/transport/ringTransport.ts",
    find: "if (this.state === \"ring\") this.receiveAll()",
    replace: "void this.receiveAll"
  },
  {
    defect: "a reader goes to sleep without a last look",
    file: "src/internal/transport/ring.ts",
    find: "return leaveMark(this.view.control, head, this.taken)",
    replace: "return leaveMark(this.view.control, head, countAt(this.view.control, head))"
  },
  {
    defect: "a reader that sleeps is not woken",
    file: "src/internal/transport/ringTransport.ts",
    find: "if (this.state === \"ring\" && this.writer.takeSleeper()) this.below.write(doorbell)",
    replace: "this.writer.takeSleeper()"
  },
  {
    defect: "a writer that waits for room is not woken",
    file: "src/internal/transport/ringTransport.ts",
    find: "if (this.reader.takeWaiter()) this.below.write(doorbell)",
    replace: "this.reader.takeWaiter()"
  },
  {
    defect: "a ring forgets what it could not write at once",
    file: "src/internal/transport/ringTransport.ts",
    find: "if (count > 0) this.pending[done] = chunk.subarray(count)",
    replace: "done++"
  },
  {
    defect: "room that was set aside for one is kept from another who waits for it",
    file: "src/internal/hub/kernel.ts",
    find: "this.reclaimAll(object)\n      outcome = mailbox.tryPut(bytes, gone)",
    replace: "outcome = mailbox.tryPut(bytes, gone)"
  },
  {
    defect: "a put on credit keeps its reservation",
    file: "src/internal/hub/mailbox.ts",
    find: "this.reserve(-units)\n    if",
    replace: "if"
  },
  {
    defect: "what is put on credit takes no room",
    file: "src/internal/hub/kernel.ts",
    find: "mailbox.reserve(units)",
    replace: "void units"
  },
  {
    defect: "a question does not see what others have put",
    file: "src/internal/hub/service.ts",
    find: "if (Message.looks(message.op)) transport.poll()",
    replace: ""
  },
  {
    defect: "an item is given while an older one is offered in shared memory",
    file: "src/internal/hub/front.ts",
    find: "return this.claim(1) > 0 ? this.first() : this.mailbox.tryTake()",
    replace: "return this.mailbox.tryTake()"
  },
  {
    defect: "the hub gives an item that is offered in shared memory to who asks for one, and leaves it to be claimed",
    file: "src/internal/hub/front.ts",
    find: "return this.claim(1) > 0 ?",
    replace: "return this.offered.length > 0 ?"
  },
  {
    defect: "what was claimed is taken back",
    file: "src/internal/hub/itemRing.ts",
    find: "if (!this.settleUntil(claim, claimed)) return 0",
    replace: "void claimed"
  },
  {
    defect: "what is taken back is lost",
    file: "src/internal/hub/front.ts",
    find: "this.mailbox.giveBack(this.first())",
    replace: "this.first()"
  },
  {
    defect: "an item that goes back is overtaken by those that are offered in shared memory",
    file: "src/internal/hub/front.ts",
    find: "this.takeBack()\n    this.mailbox.giveBack(item)",
    replace: "this.mailbox.giveBack(item)"
  },
  {
    defect: "a reader claims an item while an older one is on its way to it",
    file: "src/internal/hub/client.ts",
    find: "shared === undefined || this.gets.has(ref) || this.link",
    replace: "shared === undefined || this.link"
  },
  {
    defect: "a reader claims an item while an older one is on its way back from it",
    file: "src/internal/hub/client.ts",
    find: "    this.setUnderWay(entry, true)\n    this.ping(() => this.setUnderWay(entry, false))",
    replace: "    this.setUnderWay(entry, false)"
  },
  {
    defect: "it is not noted who claimed an item",
    file: "src/internal/hub/itemRing.ts",
    find: "if (owner !== anyone) Atomics.compareExchange(",
    replace: "if (owner > maxReader) Atomics.compareExchange("
  },
  {
    defect: "what a dead client had claimed is nobody's",
    file: "src/internal/hub/front.ts",
    find: "this.settle()\n    this.readers.delete(reader)",
    replace: "this.readers.delete(reader)"
  },
  {
    defect: "a claim is not told",
    file: "src/internal/hub/client.ts",
    find: "this.send(Message.Request.Claimed, 0, ref, 0)",
    replace: "void ref"
  },
  {
    defect: "the hub does not wish to know of claims when somebody waits for room",
    file: "src/internal/hub/front.ts",
    find: "if (mailbox.isShort) return offered.length",
    replace: ""
  },
  {
    defect: "who looks for an item in vain does not ask for it",
    file: "src/internal/hub/lookout.ts",
    find: "this.pause.grow()\n    this.wake()",
    replace: "this.pause.grow()"
  },
  {
    defect: "who looks for an item and waits again at once is forgotten",
    file: "src/internal/hub/lookout.ts",
    find: "return this.waiting.size === 0",
    replace: "return true"
  },
  {
    defect: "what was offered with a pen that was lent is lost",
    file: "src/internal/hub/front.ts",
    find: "mailbox.putReserved(bytes, 0)\n      MutableList.append(offered, mailbox.tryTake() as Item)",
    replace: "void bytes"
  },
  {
    defect: "what a dead client had offered with its pen is lost",
    file: "src/internal/hub/front.ts",
    find: "this.takeBack()\n    this.forget()\n  }\n\n  // -",
    replace: "this.takeBack()\n    this.mailbox.clear()\n    this.forget()\n  }\n\n  // -"
  },
  {
    defect: "a put overtakes what was offered with the pen",
    file: "src/internal/hub/kernel.ts",
    find: "front.recallFor(holding)\n    const { mailbox } = front",
    replace: "const { mailbox } = front"
  },
  {
    defect: "a put on credit overtakes what was offered with the pen",
    file: "src/internal/hub/kernel.ts",
    find: "front!.recallFor(holding!)\n",
    replace: ""
  },
  {
    defect: "a client takes the pen although it has put something since it asked",
    file: "src/internal/hub/pen.ts",
    find: "if (!isClean) {",
    replace: "if (!isClean && this.segment === null) {"
  },
  {
    defect: "the hub offers where a client has the pen",
    file: "src/internal/hub/front.ts",
    find: "if (this.pen === undefined) this.offerAll(writer)",
    replace: "this.offerAll(writer)"
  }
]
