"""steps.py - reads callgrind's parts: steps of each operation, and its calls of the heap.
SPDX-License-Identifier: Apache-2.0

steps.py OUT PROGRAM      one line for each operation, the worst of its turns:
                          NAME;STEPS;STEPS IN LIBC;FUNCTIONS OF THE HEAP THAT RAN
Steps are executed instructions of PROGRAM, which has the library in it; what measuring costs (the
operation "nothing") is taken off. A string instruction (rep) counts once for each turn.
"""
import os
import re
import sys

HEAP = {"malloc", "calloc", "realloc", "free", "aligned_alloc", "posix_memalign", "memalign", "reallocarray"}


def parts(path, program):
    """Yields (operation, own steps, libc's steps, heap functions that ran)."""
    operation, inside_call, own = None, False, False
    counts = [0, 0, set()]
    for line in open(path, encoding="utf-8", errors="replace"):
        if line.startswith("desc: Trigger: Client Request: "):
            operation = line.rstrip("\n")[31:].rsplit(";", 1)[0]
            counts = [0, 0, set()]
        elif line.startswith("totals:") and operation is not None:
            yield operation, *counts
            operation = None
        elif line.startswith("ob="):
            own = os.path.basename(line[3:].strip()) == program
        elif line.startswith("fn="):
            function = line[3:].strip().split("@")[0].split("'")[0]
        elif line.startswith("calls="):
            inside_call = True
        elif re.match(r"\d+ ", line):
            numbers = [int(n) for n in line.split()[1:]]
            if inside_call:  # a call's inclusive cost
                inside_call = False
                continue
            counts[0 if own else 1] += numbers[0]
            if function in HEAP and not own:
                counts[2].add(function)


def main():
    worst, order = {}, []
    for operation, *counts in parts(sys.argv[1], os.path.basename(sys.argv[2])):
        if operation not in worst:
            worst[operation] = [0, 0, set()]
            order.append(operation)
        row = worst[operation]
        row[:2] = [max(a, b) for a, b in zip(row[:2], counts[:2])]
        row[2] |= counts[2]
    overhead = worst["nothing"]
    for name in order:
        own, libc, heap = worst[name]
        if name != "nothing":
            print(f"{name};{own - overhead[0]};{libc};{len(heap)}")


main()
