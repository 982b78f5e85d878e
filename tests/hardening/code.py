#!/usr/bin/env python3
"""code.py LIBRARY TOOL-PREFIX: where indirect branches may go, and how functions return.

Read from the binary by PREFIXobjdump and PREFIXreadelf, for AArch64 and x86-64:

  pads     each code address that a pointer can hold starts with a landing pad: exported functions,
           addresses in relocated data (so the interpreter's handlers), addresses that code computes,
           and (AArch64) the targets of jump tables. An address inside a function is reached by a
           jump, so a pad for calls alone does not do.
  returns  (AArch64) a function that saves its return address signs it first; after it is loaded
           again it is authenticated before the function is left.

Prints one line with what was counted, then one for each violation. Exit status 1 if there is one.
What it cannot see: an address computed in other ways than adr and adrp+add, or lea.
SPDX-License-Identifier: Apache-2.0"""
import bisect
import re
import subprocess
import sys

library, prefix = sys.argv[1], sys.argv[2]


def run(tool, *options):
    return subprocess.run([prefix + tool, *options, library], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


# ---- the binary ----

header = run('readelf', '-hW')
is_arm = 'AArch64' in header
sections = {}  # name: (address, offset, size)
for m in re.finditer(r'\] (\S+)\s+\S+\s+([0-9a-f]{16}) ([0-9a-f]+) ([0-9a-f]+)',
                     run('readelf', '-SW')):
    sections[m[1]] = tuple(int(x, 16) for x in m.groups()[1:])
text_start, _, text_size = sections['.text']
text_end = text_start + text_size
image = open(library, 'rb').read()

code, order, starts = {}, [], []  # address: (mnemonic, operands); addresses; functions' starts
for line in run('objdump', '-d', '--no-show-raw-insn', '-j', '.text').splitlines():
    m = re.match(r'\s*([0-9a-f]+):\s+(\S+)\s*(.*)', line)
    if m:
        mnemonic, operands = m[2], re.sub(r'\s*(//|#\s|<).*', '', m[3]).strip()
        code[int(m[1], 16)] = (mnemonic, operands)
        order.append(int(m[1], 16))
    else:
        m = re.match(r'([0-9a-f]+) <(.*)>:', line)
        if m:
            starts.append((int(m[1], 16), m[2]))
starts.sort()
start_addresses = [a for a, _ in starts]
entries = set(start_addresses)


def name_of(address):
    i = bisect.bisect_right(start_addresses, address) - 1
    return '%s+0x%x' % (starts[i][1], address - starts[i][0]) if i >= 0 else hex(address)


def bytes_at(address, count):
    for start, offset, size in sections.values():
        if start and start <= address < start + size:
            return image[offset + address - start:offset + address - start + count]
    return b''


# ---- pads ----

def is_pad(address, is_jump):
    mnemonic, operands = code.get(address, ('', ''))
    if not is_arm:
        return mnemonic == 'endbr64'
    if mnemonic in ('paciasp', 'pacibsp'):
        return not is_jump
    return mnemonic == 'bti' and (operands in ('j', 'jc') if is_jump else operands in ('c', 'jc'))


violations, counts = [], dict(exported=0, data=0, computed=0, table=0, signed=0)


def want_pad(address, how, is_jump=None):
    if not text_start <= address < text_end:
        return
    counts[how] += 1
    if is_jump is None:
        is_jump = address not in entries
    if not is_pad(address, is_jump):
        violations.append('%s: no landing pad (%s)' % (name_of(address), how))


for m in re.finditer(r':\s+([0-9a-f]{8,})\s+\d+ FUNC\s+(?:GLOBAL|WEAK)\s+\S+\s+(?!UND)\S+',
                     run('readelf', '--dyn-syms', '-W')):
    want_pad(int(m[1], 16), 'exported')
for m in re.finditer(r'R_(?:AARCH64|X86_64)_RELATIVE\s+([0-9a-f]+)', run('readelf', '-rW')):
    want_pad(int(m[1], 16), 'data')

# Bases of jump tables are computed like targets, but nobody goes there by pointer.
bases = set()


def check_table(at):
    """br xT behind: ldr{b,h,sw} wI, [table, ..]; adr xB, base; add xT, xB, wI, sxt #2."""
    mnemonic, operands = code[order[at - 1]]
    if mnemonic != 'add' or 'sxt' not in operands:
        return False
    window = [order[i] for i in range(max(0, at - 12), at)]
    width, base, table, pages = 0, None, None, {}
    count = None
    for address in [order[i] for i in range(max(0, at - 60), at)]:
        mnemonic, operands = code[address]
        m = re.match(r'w\d+, #(0x[0-9a-f]+|\d+)$', operands) if mnemonic == 'cmp' else None
        if m:
            count = int(m[1], 0) + 1
    # The table's address may have been computed long before, for several uses.
    function = bisect.bisect_left(order, start_addresses[bisect.bisect_right(start_addresses,
                                                                           order[at]) - 1])
    for address in order[function:at]:
        mnemonic, operands = code[address]
        m = re.match(r'(x\d+), ([0-9a-f]+)$', operands)
        if mnemonic == 'adrp' and m:
            pages[m[1]] = int(m[2], 16)
        elif mnemonic == 'add':
            m = re.match(r'(x\d+), (x\d+), #(0x[0-9a-f]+)$', operands)
            if m and m[2] in pages:
                pages[m[1]] = pages[m[2]] + int(m[3], 16)
    for address in window:
        mnemonic, operands = code[address]
        m = re.match(r'(x\d+), ([0-9a-f]+)$', operands)
        if mnemonic == 'adr' and m:
            base = int(m[2], 16)
        elif mnemonic in ('ldrb', 'ldrh', 'ldrsw', 'ldr') and re.match(r'[wx]\d+, \[x\d+, ', operands):
            register = re.search(r'\[(x\d+)', operands)[1]
            width = {'ldrb': 1, 'ldrh': 2}.get(mnemonic, 4)
            table = pages.get(register)
    mnemonic, operands = code[order[at - 1]]
    if base is None or table is None or mnemonic != 'add' or 'sxt' not in operands and width != 4:
        return False
    bases.add(base)
    if count is None:
        violations.append('%s: a jump table of unknown size' % name_of(order[at]))
        return True
    raw = bytes_at(table, count * width)
    for i in range(count):
        want_pad(base + 4 * int.from_bytes(raw[i * width:(i + 1) * width], 'little', signed=True),
                 'table', True)
    return True


if is_arm:
    for i, address in enumerate(order):
        if code[address][0] == 'br':
            check_table(i)
    pages = {}
    for i, address in enumerate(order):
        mnemonic, operands = code[address]
        if address in entries or mnemonic == 'bti':
            pages = {}
        m = re.match(r'(x\d+), ([0-9a-f]+)$', operands)
        if mnemonic == 'adrp' and m:
            pages[m[1]] = int(m[2], 16)
        elif mnemonic == 'adr' and m and int(m[2], 16) not in bases:
            want_pad(int(m[2], 16), 'computed')
        elif mnemonic == 'add':
            m = re.match(r'(x\d+), (x\d+), #(0x[0-9a-f]+)$', operands)
            if m and m[2] in pages:
                want_pad(pages[m[2]] + int(m[3], 16), 'computed')
                if m[1] == m[2]:
                    del pages[m[1]]
        m = re.match(r'x(\d+)', operands)
        if mnemonic != 'adrp' and m and not mnemonic.startswith(('st', 'cmp', 'cb', 'tb')):
            pages.pop('x' + m[1], None)
        if mnemonic in ('b', 'br', 'ret'):
            pages = {}
else:
    # Jump tables are entered by jumps that are not tracked; their bases are data.
    for line in run('objdump', '-d', '--no-show-raw-insn', '-j', '.text').splitlines():
        m = re.search(r'\slea\s.*\(%rip\),.*# ([0-9a-f]+)', line)
        if m:
            want_pad(int(m[1], 16), 'computed')

# ---- returns ----

if is_arm:
    is_signed, is_loaded = False, False
    for i, address in enumerate(order):
        mnemonic, operands = code[address]
        if address in entries:
            is_signed, is_loaded = starts[start_addresses.index(address)][1].endswith('.cold'), False
        if mnemonic == 'paciasp':
            is_signed = True
        elif re.match(r'st[rp]$', mnemonic) and re.search(r'\bx30, \[sp|\bx29, x30, \[sp', operands):
            counts['signed'] += 1
            if not is_signed:
                violations.append('%s: saves a return address that is not signed' % name_of(address))
        elif re.match(r'ld[rp]$', mnemonic) and re.search(r'\bx30, \[sp|\bx29, x30, \[sp', operands):
            is_loaded = True
        elif mnemonic in ('autiasp', 'retaa'):
            is_loaded = False
        elif mnemonic == 'ret' and is_loaded:
            violations.append('%s: returns without authentication' % name_of(address))
            is_loaded = False

print(', '.join('%s %d' % item for item in counts.items() if item[1]))
for violation in violations:
    print(violation)
sys.exit(1 if violations else 0)
