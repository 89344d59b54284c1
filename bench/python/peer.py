"""`python3 peer.py CASE COUNT`: CPython's multiprocessing. Prints one line of JSON, as the other arms do."""

import json
import math
import multiprocessing as mp
import os
import resource
import sys
import time


def small(i):
    return i % 1000 + 1


def sum_of_small(count):
    return sum(small(i) for i in range(count))


def record(i):
    return {
        "id": i,
        "name": f"item {i % 10}",
        "price": i / 2,
        "active": i % 2 == 0,
        "points": [[i, 1], [2, 3], [4, 5]],
    }


def sum_of_record(r):
    total = r["id"] + len(r["name"]) + r["price"] + r["active"]
    for point in r["points"]:
        for n in point:
            total += n
    return total


def block(size):
    pattern = b"0123456789abcdefghijklmnopqrstuvwxyz."
    return (pattern * (size // len(pattern) + 1))[:size]


def percentiles(samples):
    samples = sorted(samples)
    at = lambda share: samples[max(0, math.ceil(len(samples) * share) - 1)]
    return {"p50": at(0.5), "p99": at(0.99)}


def insist(what, actual, expected):
    if actual != expected:
        raise AssertionError(f"{what}: {actual} instead of {expected}")


# What children run. Each takes counts from its control pipe, works, and reports; a count of zero is no work.


def serve(control, phase):
    while True:
        try:
            count = control.recv()
        except EOFError:
            return
        result = (phase(count) if count else None) or {}
        control.send({**result, "cpu": time.process_time()})


def put_all(queue, count, stops):
    for i in range(count):
        queue.put(small(i))
    for _ in range(stops):
        queue.put(0)


def take_until_zero(queue):
    total = 0
    while True:
        n = queue.get()
        if n == 0:
            return {"sum": total}
        total += n


def producer(control, queue, stops):
    serve(control, lambda count: put_all(queue, count, stops))


def consumer(control, queue):
    serve(control, lambda count: take_until_zero(queue))


def record_producer(control, queue):
    def phase(count):
        for i in range(count):
            queue.put(record(i))

    serve(control, phase)


def joining_producer(control, queue):
    def phase(count):
        put_all(queue, count, 0)
        queue.join()

    serve(control, phase)


def ask(end, count):
    total = 0
    samples = []
    for i in range(count):
        start = time.perf_counter()
        end.send(small(i))
        total += end.recv()
        samples.append((time.perf_counter() - start) * 1e6)
    return {"sum": total, **percentiles(samples)}


def echo(control, end):
    def phase(count):
        for _ in range(count):
            end.send(end.recv())

    serve(control, phase)


def asker(control, end):
    serve(control, lambda count: ask(end, count))


def number_sender(control, end):
    def phase(count):
        for i in range(count):
            end.send(small(i))

    serve(control, phase)


def record_sender(control, end):
    def phase(count):
        for i in range(count):
            end.send(record(i))

    serve(control, phase)


def bytes_sender(control, end, size):
    message = block(size)

    def phase(count):
        for _ in range(count):
            end.send_bytes(message)

    serve(control, phase)


def slow_consumer(control, queue):
    def phase(count):
        result = take_until_zero(queue)
        control.send(result)
        time.sleep(0.3)

    serve(control, phase)


def fast_consumer(control, queue):
    def phase(count):
        total = longest = 0
        for _ in range(count):
            start = time.perf_counter()
            total += queue.get()
            longest = max(longest, time.perf_counter() - start)
        return {"sum": total, "p99": longest * 1e6}

    serve(control, phase)


def begin(end):
    end.send(time.monotonic())


def waiter(ready, never):
    ready.put(1)
    never.get()


# The parent.


def child(target, *args):
    near, far = mp.Pipe()
    mp.Process(target=target, args=(far, *args), daemon=True).start()
    # It answers when it is ready.
    near.send(0)
    near.recv()
    return near


def processor_time(children):
    total = time.process_time()
    for c in children:
        c.send(0)
        total += c.recv()["cpu"]
    return total


def run(children, count, own):
    for c in children:
        c.send(count)
    results = [own(count) or {}] + [c.recv() for c in children]
    return {
        "sum": sum(r.get("sum", 0) for r in results),
        "p50": max(r.get("p50", 0) for r in results),
        "p99": max(r.get("p99", 0) for r in results),
    }


def measure(children, count, own, expected):
    run(children, count, own)
    cpu = processor_time(children)
    start = time.perf_counter()
    result = run(children, count, own)
    seconds = time.perf_counter() - start
    cpu = processor_time(children) - cpu
    insist("the sum of all", result.pop("sum"), expected)
    return {"seconds": seconds, "count": count, "cpu": cpu, **result}


def take(receive, value=lambda n: n):
    def own(count):
        total = 0
        for _ in range(count):
            total += value(receive())
        return {"sum": total}

    return own


def from_children(count, producers, consumers, maxsize=0):
    share = math.ceil(count / producers)
    queue = mp.Queue(maxsize)
    children = [child(producer, queue, consumers // producers) for _ in range(producers)]
    children += [child(consumer, queue) for _ in range(consumers)]
    own = (lambda share: None) if consumers else lambda share: take(queue.get)(share * producers)
    result = measure(children, share, own, sum_of_small(share) * producers)
    return {**result, "count": share * producers}


def from_parent(count, consumers):
    queue = mp.Queue()
    children = [child(consumer, queue) for _ in range(consumers)]
    return measure(children, count, lambda count: put_all(queue, count, consumers), sum_of_small(count))


def queue_records(count):
    queue = mp.Queue()
    expected = sum(sum_of_record(record(i)) for i in range(count))
    return measure([child(record_producer, queue)], count, take(queue.get, sum_of_record), expected)


def joinable(count):
    queue = mp.JoinableQueue()

    def own(count):
        total = 0
        for _ in range(count):
            total += queue.get()
            queue.task_done()
        return {"sum": total}

    return measure([child(joining_producer, queue)], count, own, sum_of_small(count))


def round_trip(count, in_parent):
    left, right = mp.Pipe()
    children = [child(echo, right)]
    if not in_parent:
        children.append(child(asker, left))
    own = (lambda count: ask(left, count)) if in_parent else lambda count: None
    return measure(children, count, own, sum_of_small(count))


def one_way(count):
    receiver, sender = mp.Pipe(duplex=False)
    return measure([child(number_sender, sender)], count, take(receiver.recv), sum_of_small(count))


def one_way_records(count):
    receiver, sender = mp.Pipe(duplex=False)
    expected = sum(sum_of_record(record(i)) for i in range(count))
    return measure([child(record_sender, sender)], count, take(receiver.recv, sum_of_record), expected)


def blocks(count, size):
    receiver, sender = mp.Pipe(duplex=False)
    expected = block(size)
    # Compares every byte, as fast as memory allows.
    own = take(receiver.recv_bytes, lambda message: message == expected)
    return measure([child(bytes_sender, sender, size)], count, own, count)


def starts(count):
    pause = 1 if mp.get_start_method() == "fork" else 0
    samples = []
    cpu = 0
    for i in range(-1, count):
        # As long as the other arms wait until what they prepare is there: a process that has slept is not as quick as one that runs.
        time.sleep(pause)
        used = total_cpu()
        near, far = mp.Pipe()
        start = time.monotonic()
        process = mp.Process(target=begin, args=(far,))
        process.start()
        first = near.recv()
        process.join()
        if i < 0:
            continue
        samples.append((first - start) * 1e6)
        cpu += total_cpu() - used
    return {"seconds": sum(samples) / 1e6, "count": count, "cpu": cpu, **percentiles(samples)}


def total_cpu():
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def busy_children(count):
    two = from_children(count, 1, 1)
    eight = from_children(count, 4, 4)
    return {**eight, "value": (eight["count"] / eight["seconds"]) / (two["count"] / two["seconds"])}


def slow(count):
    queue = mp.Queue()
    slow, fast = child(slow_consumer, queue), child(fast_consumer, queue)
    for _ in range(2):
        slow.send(count)
        put_all(queue, count, 1)
        put_all(queue, count, 0)
        first = slow.recv()
        fast.send(count)
        second = fast.recv()
        insist("the sum of all items", first["sum"] + second["sum"], 2 * sum_of_small(count))
        slow.recv()
    return {"seconds": 0, "count": count, "value": second["p99"]}


def waiters(count):
    ready, never = mp.Queue(), mp.Queue()
    children = []
    for _ in range(count):
        process = mp.Process(target=waiter, args=(ready, never), daemon=True)
        process.start()
        ready.get()
        children.append((process.pid, never))
    time.sleep(1)
    return children


def cpu_of(pid):
    nanoseconds = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat") as file:
            nanoseconds += int(file.read().split()[0])
    return nanoseconds / 1e9


def idle_cpu(seconds):
    children = waiters(10)
    before = sum(cpu_of(pid) for pid, _ in children)
    time.sleep(seconds)
    used = sum(cpu_of(pid) for pid, _ in children) - before
    return {"seconds": seconds, "count": 1, "value": used / seconds * 100}


def idle_memory(figure):
    [(pid, _)] = waiters(1)
    with open(f"/proc/{pid}/smaps_rollup") as file:
        line = next(line for line in file if line.startswith(figure))
    return {"seconds": 0, "count": 1, "value": int(line.split()[1]) / 1024}


CASES = {
    "queue-1-1": lambda count: from_children(count, 1, 0),
    "queue-1-1-maxsize10": lambda count: from_children(count, 1, 0, 10),
    "queue-4-1": lambda count: from_children(count, 4, 0),
    "queue-1-4": lambda count: from_parent(count, 4),
    "queue-4-4": lambda count: from_children(count, 4, 4),
    "queue-1-1-record": queue_records,
    "joinable-queue-1-1": joinable,
    "pipe-rtt": lambda count: round_trip(count, True),
    "pipe-rtt-child-child": lambda count: round_trip(count, False),
    "pipe-one-way": one_way,
    "pipe-one-way-record": one_way_records,
    "pipe-bytes-64k": lambda count: blocks(count, 2**16),
    "pipe-bytes-1m": lambda count: blocks(count, 2**20),
    "pipe-bytes-64m": lambda count: blocks(count, 2**26),
    "start-cold": starts,
    "start-warm": starts,
    "idle-cpu": idle_cpu,
    "idle-memory": lambda count: idle_memory("Rss:"),
    "idle-memory-share": lambda count: idle_memory("Pss:"),
    "busy-children": busy_children,
    "slow-consumer": slow,
}

if __name__ == "__main__":
    case, count = sys.argv[1], int(sys.argv[2])
    mp.set_start_method("fork" if case == "start-warm" else "spawn")
    if case.startswith("idle") and not sys.platform.startswith("linux"):
        print(json.dumps({"skip": "only Linux tells"}))
    else:
        print(json.dumps(CASES[case](count)))
