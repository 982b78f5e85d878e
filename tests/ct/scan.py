#!/usr/bin/env python3
"""tests/ct/scan.py OBJECT RULES - follows secrets through the machine code of an object file.
SPDX-License-Identifier: Apache-2.0

For each function named in RULES ("NAME ARG ARG ...", each ARG secret or public, in the order of
the arguments) it runs the disassembly (objdump, x86-64) over one bit per register and stack slot:
may it depend on a secret? Secret are the arguments so named and whatever is loaded from memory
that is not the function's own stack; constants beside the code are public. Reported:

  - a conditional jump on flags that may depend on a secret
  - an address, in a load, a store or a call of memset and memcpy, that may
  - a division of a secret, whose time depends on the operands

It covers every path and so every length, unlike a run; it is no proof: it believes objdump, and
that memory behind pointers holds no pointers. Functions that are called and not in the object
(but memset, memcpy and what the stack protector calls) are reported.
Exit status: 0 nothing found, 1 something found, 2 trouble.
"""
import re
import subprocess
import sys

WIDE = {}  # any name of a register -> its 64-bit name
for full, names in {
        "rax": "eax ax al ah", "rbx": "ebx bx bl bh", "rcx": "ecx cx cl ch", "rdx": "edx dx dl dh",
        "rsi": "esi si sil", "rdi": "edi di dil", "rbp": "ebp bp bpl", "rsp": "esp sp spl"}.items():
    for each in [full] + names.split():
        WIDE[each] = full
for n in range(8, 16):
    for suffix in ("", "d", "w", "b"):
        WIDE[f"r{n}{suffix}"] = f"r{n}"
for n in range(32):
    for prefix in ("xmm", "ymm", "zmm"):
        WIDE[f"{prefix}{n}"] = f"xmm{n}"

NARROW = {name for name in WIDE if re.match(r"^([abcd][xlh]|[sd]il?|[sb]pl?|r\d+[wb])$", name)}
LOWEST = {name for name in NARROW if re.match(r"^([abcd]l|[sd]il|[sb]pl|r\d+b)$", name)}
HALF = {name for name in WIDE if re.match(r"^(e..|r\d+d)$", name)}
ARGUMENTS = ["rdi", "rsi", "rdx", "rcx", "r8", "r9"]
CLOBBERED = ["rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11"]
KNOWN_CALLS = {"memset", "memcpy", "memmove", "__memcpy_chk", "__memset_chk"}
KEEPS_FLAGS = re.compile(r"^(v?mov|lea|push|pop|not|j|set|cmov|nop|leave|ret|v?p|v?xor[pd]|v?and[pd]|"
                         r"v?or[pd]|v?unpck|v?shuf|endbr|call|cltq|cqto|cwtl|data16|v?broadcast)")
JUMPS = re.compile(r"^j[a-z]+$")
PUBLIC, SECRET = False, True


class Value:
    """secret or not, the same of its lowest byte alone, and the offset from the stack pointer
    at entry if it points there"""
    __slots__ = ("secret", "offset", "low")

    def __init__(self, secret=PUBLIC, offset=None, low=None):
        self.secret, self.offset, self.low = secret, offset, secret if low is None else low

    def __eq__(self, other):
        return (self.secret, self.offset, self.low) == (other.secret, other.offset, other.low)

    def join(self, other):
        return Value(self.secret or other.secret,
                     self.offset if self.offset == other.offset else None, self.low or other.low)


class State:
    def __init__(self):
        self.registers, self.slots, self.flags = {}, {}, PUBLIC

    def copy(self):
        new = State()
        new.registers, new.slots = dict(self.registers), dict(self.slots)
        new.flags = self.flags
        return new

    def get(self, register):
        return self.registers.get(register, Value())

    def join(self, other):
        """takes in another state; says whether that changed anything"""
        before = (dict(self.registers), dict(self.slots), self.flags)
        for name in set(self.registers) | set(other.registers):
            self.registers[name] = self.get(name).join(other.get(name))
        for slot in set(self.slots) | set(other.slots):
            self.slots[slot] = self.slots.get(slot, Value()).join(other.slots.get(slot, Value()))
        self.flags = self.flags or other.flags
        return before != (self.registers, self.slots, self.flags)


class Memory:
    def __init__(self, text):
        match = re.match(r"^(?:%[cdefgs]s:)?(-?0x[0-9a-f]+|-?\d+)?(?:\(([^)]*)\))?$", text)
        self.displacement = int(match.group(1) or "0", 0)
        parts = [p.strip() for p in (match.group(2) or "").split(",")]
        self.rip = parts[0] == "%rip"
        self.segment = text.startswith("%fs:")
        names = [p[1:] for p in parts[:2] if p.startswith("%") and p not in ("%rip", "%riz")]
        self.base = WIDE[names[0]] if names and parts[0].startswith("%") else None
        self.registers = [WIDE[n] for n in names]


def operands(text):
    """cuts at the commas that are not in parentheses"""
    out, depth, start = [], 0, 0
    for at, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            out.append(text[start:at].strip())
            start = at + 1
    return out + [text[start:].strip()] if text.strip() else []


class Function:
    def __init__(self, name):
        self.name, self.lines = name, []  # (address, mnemonic, operands, relocation)


def disassemble(path):
    functions, current = {}, None
    listing = subprocess.run(["objdump", "-dr", "--no-show-raw-insn", path], check=True,
                             capture_output=True, text=True).stdout
    for line in listing.splitlines():
        head = re.match(r"^[0-9a-f]+ <([^>]+)>:$", line)
        relocation = re.match(r"^\s+[0-9a-f]+: (R_\S+)\s+(\S+)", line)
        code = re.match(r"^\s+([0-9a-f]+):\s+(.*)$", line)
        if head:
            current = functions[head.group(1)] = Function(head.group(1))
        elif relocation and current:
            address, mnemonic, args, _ = current.lines[-1]
            current.lines[-1] = (address, mnemonic, args, relocation.group(2))
        elif code and current:
            text = re.sub(r"\s*#.*$", "", code.group(2)).replace("notrack ", "").strip()
            text = re.sub(r"^(data16 |cs |bnd |lock )+", "", text)
            repeat = re.match(r"^(rep\w*) +(\S+)(.*)$", text)
            if repeat and repeat.group(2) != "ret":
                text = f"{repeat.group(1)}_{repeat.group(2)}"
            elif repeat:
                text = "ret"
            word, _, rest = text.partition(" ")
            if word:
                current.lines.append((int(code.group(1), 16), word, operands(rest), None))
    return functions


class Scan:
    def __init__(self, functions):
        self.functions, self.found, self.memo = functions, [], {}

    def report(self, function, address, what):
        entry = f"{function.name}+0x{address - function.lines[0][0]:x}: {what}"
        if entry not in self.found:
            self.found.append(entry)

    # ---- one instruction ----

    def slots_of(self, state, memory, size):
        """the stack slots (of 8 bytes) that an access touches; None if it is not the stack"""
        base = state.get(memory.base) if memory.base else Value()
        if base.offset is None:
            return None
        if len(memory.registers) > 1:  # an array: any of them
            return list(state.slots)
        at = base.offset + memory.displacement
        return list(range(at & ~7, at + size, 8))

    def load(self, state, memory, size):
        if memory.rip or memory.segment:
            return Value()
        slots = self.slots_of(state, memory, size)
        if slots is None:
            return Value(SECRET)
        values = [state.slots.get(slot, Value()) for slot in slots]
        return values[0] if len(values) == 1 else Value(any(v.secret for v in values))

    def store(self, state, memory, value, size):
        slots = self.slots_of(state, memory, size)
        whole = size >= 8 and slots is not None and len(slots) == size // 8 and \
            len(memory.registers) == 1
        for slot in slots or []:
            kept = Value() if whole else Value(state.slots.get(slot, Value()).secret)
            state.slots[slot] = Value(value.secret or kept.secret, value.offset if whole else None)

    def step(self, function, state, line):
        address, word, args, relocation = line
        registers = state.registers
        size = 64 if "zmm" in " ".join(args) else 32 if "ymm" in " ".join(args) else \
            16 if "xmm" in " ".join(args) else 8
        names = [a[1:] for a in args if a.startswith("%") and a[1:] in WIDE]
        if size == 8 and (any(n in NARROW | HALF for n in names) or re.match(r"^\w+[bwl]$|^set|^movz|^movs", word)):
            size = 1  # or 2 or 4: less than a slot

        def look(text, access):
            memory = Memory(text)
            if any(state.get(r).secret for r in memory.registers):
                self.report(function, address, f"the address {text} may depend on a secret")
            return access(memory)

        def value_of(text):
            if text.startswith("$"):
                return Value()
            if text.startswith("%") and ":" not in text:
                held = state.get(WIDE.get(text[1:], text[1:]))
                return Value(held.low) if text[1:] in LOWEST else held
            return look(text, lambda memory: self.load(state, memory, size))

        def put(text, value):
            if text.startswith("%") and ":" not in text:
                name = WIDE.get(text[1:], text[1:])
                if text[1:] in NARROW:  # the rest of the register stays
                    low = value.secret if text[1:] in LOWEST else None
                    value = Value(value.secret or state.get(name).secret, None, low)
                registers[name] = value
                return
            look(text, lambda memory: self.store(state, memory, value, size))

        if JUMPS.match(word):
            if word != "jmp" and state.flags:
                self.report(function, address, f"{word} may depend on a secret")
            if word == "jmp" and args[0].startswith("*") and value_of(args[0][1:]).secret:
                self.report(function, address, "an indirect jump may depend on a secret")
            return
        if word in ("ret", "nop", "nopw", "nopl", "endbr64", "hlt", "ud2", "int3", "xchg") and \
                (word != "xchg" or args[0] == args[1]):
            return
        if word.startswith("rep"):
            for register in ("rcx", "rdi") + (("rsi",) if "movs" in word else ()):
                if state.get(register).secret:
                    self.report(function, address, f"{word} with a secret {register}")
            if not re.match(r"^rep_?(stos|movs)", word):
                self.report(function, address, f"{word} ends where the bytes say")
            registers["rcx"] = Value()
            return
        if word == "push":
            pushed = value_of(args[0])
            registers["rsp"] = Value(PUBLIC, state.get("rsp").offset - 8)
            state.slots[registers["rsp"].offset] = pushed
            return
        if word == "pop":
            top = state.get("rsp")
            put(args[0], state.slots.get(top.offset, Value()))
            registers["rsp"] = Value(PUBLIC, top.offset + 8)
            return
        if word == "leave":
            top = state.get("rbp").offset
            registers["rsp"] = Value(PUBLIC, top + 8)
            registers["rbp"] = state.slots.get(top, Value())
            return
        if word in ("call", "callq"):
            self.call(function, state, address, args, relocation)
            return
        if word in ("cltq", "cwtl", "cltd", "cqto"):
            registers["rdx" if word in ("cltd", "cqto") else "rax"] = Value(state.get("rax").secret)
            return
        if word.startswith("lea"):
            memory = Memory(args[0])
            base = state.get(memory.base) if memory.base else Value()
            near = base.offset is not None and len(memory.registers) == 1
            put(args[1], Value(any(state.get(r).secret for r in memory.registers),
                               base.offset + memory.displacement if near else None))
            return
        if re.match(r"^i?div", word):
            if value_of(args[0]).secret or state.get("rax").secret:
                self.report(function, address, f"{word} of a secret")
        if re.match(r"^(test|cmp|bt|ucomi|comi|ptest|vptest)", word) and not word.startswith("cmpxchg"):
            state.flags = any([value_of(a).secret for a in args])
            return
        if re.match(r"^set", word):
            put(args[0], Value(state.flags))
            return
        if re.match(r"^cmov", word):
            put(args[1], Value(value_of(args[0]).secret or value_of(args[1]).secret or state.flags))
            return
        if re.match(r"^v?mov", word) and not re.match(r"^v?mov(ss|sd|[lh]p[sd])$", word):
            put(args[-1], value_of(args[0]) if word in ("mov", "movq") else
                Value(value_of(args[0]).secret))
            return
        if len(args) >= 2 and re.match(r"^(v?pxor|v?xorp[sd]|xor[lqwb]?|sub[lqwb]?|sbb)$", word) and \
                args[0] == args[1] and word != "sbb":
            put(args[-1], Value())
            if not KEEPS_FLAGS.match(word):
                state.flags = PUBLIC
            return
        if word in ("sub", "add", "and", "subq", "addq") and args[1] in ("%rsp", "%rbp") and \
                args[0].startswith("$"):
            amount = int(args[0][1:], 0)
            old = state.get(args[1][1:])
            if old.offset is not None:
                moved = {"s": old.offset - amount, "a": old.offset + amount}[word[0]] \
                    if not word.startswith("and") else old.offset & amount
                registers[args[1][1:]] = Value(PUBLIC, moved)
                return
        # Anything else: the last operand depends on all of them; carries come in by the flags.
        secret = any([value_of(a).secret for a in args])
        secret = secret or (word.startswith(("sbb", "adc", "rcl", "rcr")) and state.flags)
        if len(args) == 1 and re.match(r"^(i?mul|i?div)", word):
            secret = secret or state.get("rax").secret
            registers["rax"] = registers["rdx"] = Value(secret)
        else:
            put(args[-1], Value(secret))
        if not KEEPS_FLAGS.match(word):
            state.flags = secret

    def call(self, function, state, address, args, relocation):
        name = re.sub(r"[-+@].*$", "", relocation or "") or None
        target = re.search(r"<([^>+]+)>", args[0] if args else "")
        if name in (None, ".text") and target:
            name = target.group(1)
        if name in self.functions:
            result = self.run(self.functions[name],
                              [state.get(r).secret for r in ARGUMENTS],
                              [state.get(r).offset is not None for r in ARGUMENTS])
        elif name == "__stack_chk_fail":  # does not return
            result = Value()
        elif name in KNOWN_CALLS:
            for register in ("rdi", "rdx") + (() if "memset" in name else ("rsi",)):
                if state.get(register).secret:
                    self.report(function, address, f"{name} with a secret {register}")
            to = state.get("rdi")
            if to.offset is not None:  # whatever it copies onto our stack is taken for secret
                for slot in [to.offset & ~7] + list(state.slots):
                    if slot >= to.offset & ~7 and "memset" not in name:
                        state.slots[slot] = Value(SECRET)
            result = Value()
        else:
            self.report(function, address, f"calls {name or ' '.join(args)}, which is not looked at")
            result = Value(SECRET)
        for register in CLOBBERED:
            state.registers[register] = Value()
        state.registers["rax"] = result
        state.flags = PUBLIC

    # ---- all paths of a function ----

    def run(self, function, secrets, stack_pointers=()):
        """whether its result may be secret"""
        key = (function.name, tuple(secrets), tuple(stack_pointers))
        if key in self.memo:
            return self.memo[key]
        self.memo[key] = Value(SECRET)  # a recursion would be cautious
        start = State()
        start.registers = {r: Value(s) for r, s in zip(ARGUMENTS, secrets)}
        start.registers["rsp"] = Value(PUBLIC, 0)
        index = {line[0]: i for i, line in enumerate(function.lines)}
        at_entry, work, result = {0: start}, [0], Value()
        while work:
            i = work.pop()
            state, line = at_entry[i].copy(), function.lines[i]
            self.step(function, state, line)
            following = []
            word, args = line[1], line[2]
            if word == "ret":
                result = result.join(Value(state.get("rax").secret))
            elif JUMPS.match(word):
                target = re.match(r"^([0-9a-f]+)\b", args[0])
                if target and int(target.group(1), 16) in index:
                    following.append(index[int(target.group(1), 16)])
                elif re.search(r"<\w+>$", args[0]) or line[3]:  # the call of another, at the end
                    self.call(function, state, line[0], args, line[3])
                    result = result.join(Value(state.get("rax").secret))
                else:
                    self.report(function, line[0], f"jumps out of the function: {args}")
                if word != "jmp":
                    following.append(i + 1)
            elif word not in ("hlt", "ud2"):
                following.append(i + 1)
            for j in following:
                if j >= len(function.lines):
                    continue
                if j not in at_entry:
                    at_entry[j] = state.copy()
                    work.append(j)
                elif at_entry[j].join(state):
                    work.append(j)
        self.memo[key] = result
        return result


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    functions = disassemble(sys.argv[1])
    scan, seen = Scan(functions), 0
    with open(sys.argv[2], encoding="ascii") as rules:
        for rule in rules:
            words = rule.split("#")[0].split()
            if not words:
                continue
            if words[0] not in functions:
                print(f"{words[0]} is not in {sys.argv[1]}", file=sys.stderr)
                return 2
            arguments = [word == "secret" for word in words[1:]] + [PUBLIC] * 6
            scan.run(functions[words[0]], arguments[:6])
            seen += 1
    for entry in scan.found:
        print(entry)
    return 1 if scan.found or seen == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
