#!/usr/bin/env python3
"""tests/prime_probe/plot.py PLAIN OBLIVIOUS - draws what attack.c printed as two maps, in SVG.
SPDX-License-Identifier: Apache-2.0
"""
import sys

CELL, GAP, TOP, LEFT = 5, 60, 40, 50


def read(path):
    with open(path, encoding="ascii") as lines:
        text = lines.read().split("\n")
    rows = [[float(word) for word in line.split()] for line in text if line and line[0] in "-0123456789"]
    return rows, next(line for line in text if line.startswith("guessed"))


def panel(x0, title, rows, verdict, scale):
    size = CELL * 64
    out = [f'<text x="{x0}" y="{TOP - 22}" font-weight="bold">{title}</text>',
           f'<text x="{x0}" y="{TOP - 8}">{verdict} secrets</text>',
           f'<rect x="{x0}" y="{TOP}" width="{size}" height="{size}" fill="#fff" stroke="#888"/>']
    for secret, row in enumerate(rows):
        for cache_set, ticks in enumerate(row):
            shade = min(max(ticks / scale, 0), 1)
            if shade >= 0.1:
                out.append(f'<rect x="{x0 + cache_set * CELL}" y="{TOP + secret * CELL}" width="{CELL}" '
                           f'height="{CELL}" fill="#0b3d91" fill-opacity="{shade:.1f}"/>')
    out.append(f'<text x="{x0}" y="{TOP + size + 16}">set of the cache, 0 to 63</text>')
    return out


plain, plain_verdict = read(sys.argv[1])
hidden, hidden_verdict = read(sys.argv[2])
every = sorted(abs(ticks) for rows in (plain, hidden) for row in rows for ticks in row)
scale_of_all = max(sorted(plain[s][s] for s in range(64))[32], every[len(every) * 99 // 100], 0.1)
width, height = LEFT + 2 * 64 * CELL + GAP + 20, TOP + 64 * CELL + 30
print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
      'font-size="11">')
print(f'<rect width="{width}" height="{height}" fill="#fff"/>')
print(f'<text x="14" y="{TOP + 200}" transform="rotate(-90 14 {TOP + 200})">secret, 0 to 63</text>')
for part in panel(LEFT, "plain table", plain, plain_verdict, scale_of_all):
    print(part)
for part in panel(LEFT + 64 * CELL + GAP, "oblivious store", hidden, hidden_verdict, scale_of_all):
    print(part)
print("</svg>")
