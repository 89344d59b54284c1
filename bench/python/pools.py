"""`python3 pools.py CASE COUNT pool|executor`: CPython's pools of two processes. Prints one line of JSON."""

import json
import math
import multiprocessing as mp
import operator
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from peer import block, cpu_of, insist, percentiles, small

MEBIBYTE = block(2**20)

# What the workers run.


def square(n):
    return n * n


WIDTH = 1024
ROWS = 32
LIMIT = 250


def draw(band):
    """As in picture.ts, operation by operation."""
    index, of = band
    pixels = bytearray(WIDTH * ROWS)
    for row in range(ROWS):
        y = (index * ROWS + row) / (of * ROWS) * 2.5 - 1.25
        for column in range(WIDTH):
            x = column / WIDTH * 3 - 2.25
            zx = zy = 0.0
            n = 0
            while n < LIMIT:
                xx = zx * zx
                yy = zy * zy
                if xx + yy > 4:
                    break
                zy = 2 * zx * zy + y
                zx = xx - yy + x
                n += 1
            pixels[row * WIDTH + column] = n
    return bytes(pixels)


def echo_bytes(received):
    if received != MEBIBYTE:
        raise AssertionError("The bytes are not those that were sent")
    return received


def who(_):
    """Says which worker this is, and keeps it busy for a moment, so that the next one is asked too."""
    time.sleep(0.05)
    return os.getpid()


# The parent.


class Executor:
    """A ProcessPoolExecutor with the names of a Pool."""

    def __init__(self):
        self.executor = ProcessPoolExecutor(2)

    def apply(self, function, args):
        return self.executor.submit(function, *args).result()

    def map(self, function, items, chunksize=None):
        # Its own default is 1, and its documentation asks for more. This is what Pool takes.
        chunksize = chunksize or math.ceil(len(items) / 8)
        return self.executor.map(function, items, chunksize=chunksize)

    def imap(self, function, items):
        return self.executor.map(function, items)

    def terminate(self):
        self.executor.shutdown()


def ready(pool):
    """The numbers of both workers."""
    for _ in range(100):
        pids = set(pool.map(who, range(2), chunksize=1))
        if len(pids) == 2:
            return pids
    raise AssertionError("there is one worker, and not two")


def cpu_of_all(pids):
    if not sys.platform.startswith("linux"):
        return None
    return time.process_time() + sum(cpu_of(pid) for pid in pids)


def measure(make, count, items, run, expected):
    pool = make()
    pids = ready(pool)
    run(pool, items(count))
    everything = items(count)
    cpu = cpu_of_all(pids)
    start = time.perf_counter()
    result = run(pool, everything)
    seconds = time.perf_counter() - start
    used = {} if cpu is None else {"cpu": cpu_of_all(pids) - cpu}
    insist("the sum of all", result.pop("sum"), expected(count))
    pool.terminate()
    return {"seconds": seconds, "count": count, **used, **result}


def smalls(count):
    return [small(i) for i in range(count)]


def sum_of_squares(count):
    return sum(small(i) ** 2 for i in range(count))


def map_all(make, count, chunksize=None):
    run = lambda pool, items: {"sum": sum(pool.map(square, items, chunksize=chunksize))}
    return measure(make, count, smalls, run, sum_of_squares)


def one_at_a_time(make, count):
    def run(pool, items):
        total = 0
        samples = []
        for n in items:
            start = time.perf_counter()
            total += pool.apply(square, (n,))
            samples.append((time.perf_counter() - start) * 1e6)
        return {"sum": total, **percentiles(samples)}

    return measure(make, count, smalls, run, sum_of_squares)


def picture(make, count):
    bands = lambda count: [(i, count) for i in range(count)]
    start = time.perf_counter()
    whole = [draw(band) for band in bands(count)]
    alone = time.perf_counter() - start
    # Compares every byte, as fast as memory allows.
    run = lambda pool, items: {"sum": sum(map(operator.eq, pool.map(draw, items, chunksize=1), whole))}
    result = measure(make, count, bands, run, lambda count: count)
    return {**result, "value": alone / result["seconds"]}


def blocks(make, count):
    # Compares every byte, as fast as memory allows.
    run = lambda pool, items: {"sum": sum(received == MEBIBYTE for received in pool.imap(echo_bytes, items))}
    return measure(make, count, lambda count: [MEBIBYTE] * count, run, lambda count: count)


CASES = {
    "pool-map-chunk1": lambda make, count: map_all(make, count, 1),
    "pool-map": map_all,
    "pool-run-latency": one_at_a_time,
    "pool-real": picture,
    "pool-real-speedup": picture,
    "pool-bytes": blocks,
}

if __name__ == "__main__":
    case, count, kind = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    mp.set_start_method("spawn")
    print(json.dumps(CASES[case]((lambda: mp.Pool(2)) if kind == "pool" else Executor, count)))
