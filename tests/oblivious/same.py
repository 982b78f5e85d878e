#!/usr/bin/env python3
"""tests/oblivious/same.py TRACE PLACES - a digest of all instructions and accesses of a lackey trace.
SPDX-License-Identifier: Apache-2.0

Where PLACES (what trace.c printed) tells the buckets of a tree, an address in a bucket counts as
its level and the offset in the bucket: which bucket of a level it is was drawn at random, and
tests/unit/secure_oblivious_leaves.c is about that.
"""
import hashlib
import sys

places = open(sys.argv[2], encoding="ascii").read().split()
first, end, bucket, _ = [int(word, 16) for word in places] if places else (0, 0, 1, 0)
digest, lines = hashlib.sha256(), 0
with open(sys.argv[1], encoding="ascii", errors="replace") as trace:
    for line in trace:
        if line[:2] not in ("I ", " S", " L", " M"):
            continue
        kind, _, rest = line.strip().partition(" ")
        address, _, size = rest.strip().partition(",")
        at = int(address, 16)
        if first <= at < end:
            number = (at - first) // bucket + 1
            line = f"{kind} level {number.bit_length()} + {(at - first) % bucket},{size}"
        digest.update(line.encode())
        lines += 1
print(digest.hexdigest() if lines > 1000 else "no trace")
