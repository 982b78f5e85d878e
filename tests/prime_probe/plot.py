#!/usr/bin/env python3
"""tests/prime_probe/plot.py FILE TITLE FILE TITLE SETS - draws what attack.c or colour.c printed as two
maps, in SVG; SETS says what the columns are.
SPDX-License-Identifier: Apache-2.0
"""
import sys

SIDE, GAP, TOP, LEFT = 320, 60, 40, 50


def read(path):
    with open(path, encoding="ascii") as lines:
        text = lines.read().split("\n")
    rows = [[float(word) for word in line.split()] for line in text if line and line[0] in "-0123456789"]
    return rows, next(line for line in text if line.startswith("guessed"))


def panel(x0, title, rows, verdict, scale):
    height = SIDE / len(rows)
    width = SIDE / len(rows[0])
    out = [f'<text x="{x0}" y="{TOP - 22}" font-weight="bold">{title}</text>',
           f'<text x="{x0}" y="{TOP - 8}">{verdict} secrets</text>',
           f'<rect x="{x0}" y="{TOP}" width="{SIDE}" height="{SIDE}" fill="#fff" stroke="#888"/>']
    for secret, row in enumerate(rows):
        for cache_set, ticks in enumerate(row):
            shade = min(max(ticks / scale, 0), 1)
            if shade >= 0.1:
                out.append(f'<rect x="{x0 + cache_set * width:g}" y="{TOP + secret * height:g}" width="{width:g}" '
                           f'height="{height:g}" fill="#0b3d91" fill-opacity="{shade:.1f}"/>')
    out.append(f'<text x="{x0}" y="{TOP + SIDE + 16}">{sys.argv[5]}, 0 to {len(rows[0]) - 1}</text>')
    return out


first, first_verdict = read(sys.argv[1])
second, second_verdict = read(sys.argv[3])
strongest = sorted(max(row) for row in first)[len(first) // 2] # of each secret; the middle of them
every = sorted(abs(ticks) for rows in (first, second) for row in rows for ticks in row)
scale_of_all = max(strongest, every[len(every) * 99 // 100], 0.1)
whole, tall = LEFT + 2 * SIDE + GAP + 20, TOP + SIDE + 30
print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole} {tall}" font-family="sans-serif" '
      'font-size="11">')
print(f'<rect width="{whole}" height="{tall}" fill="#fff"/>')
print(f'<text x="14" y="{TOP + 200}" transform="rotate(-90 14 {TOP + 200})">secret, 0 to {len(first) - 1}</text>')
for part in panel(LEFT, sys.argv[2], first, first_verdict, scale_of_all):
    print(part)
for part in panel(LEFT + SIDE + GAP, sys.argv[4], second, second_verdict, scale_of_all):
    print(part)
print("</svg>")
