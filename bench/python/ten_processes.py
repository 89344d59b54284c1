"""The whole program with CPython: ten processes that print a line each."""

import multiprocessing as mp


def p_name(a):
    print(mp.current_process().name, "args:", a)


if __name__ == "__main__":
    mp.set_start_method("spawn")
    print(mp.current_process().name)
    ps = []
    for i in range(10):
        p = mp.Process(target=p_name, name=f"test_process_{i}", args=(i,))
        p.start()
        ps.append(p)
    for p in ps:
        p.join()
    print("end")
