"""costs.py - every public function states its cost, in the form that wrt/base.h gives.
SPDX-License-Identifier: Apache-2.0

costs.py COUNTS STACK HEADER...   prints PASS or FAIL for each header, with what is wrong
Declarations stand under a comment with one line "Cost:"; it covers them up to the next blank line,
comment or closing brace. Steps stated must not be below those in COUNTS (tests/timing), nor stack below that in
STACK (docs/assurance/stack.md); a function that is found there and states none is an error too.
Of steps only those of functions whose cost begins with O(1) or O(depth): others depend on sizes.
"""
import re
import sys

TIME = r"O\([^()]*(?:\([^()]*\)[^()]*)*\)[^.]*?"
BLOCKS = r"(?:never blocks|may block \((?:lock|system)\)[^.,;]*|blocks [^.,;]+)"
FAULTS = r"(?:never faults|may fault)"
FORM = re.compile(rf"^{TIME}, {BLOCKS}, {FAULTS}(?:; (?:(\d+) steps)?(?:, )?(?:(\d+) bytes of stack)?)?$")


ROOM = {"steps": 0, "bytes of stack": 255}  # below it nothing needs to be said


def blank(match):
    return re.sub(r"[^\n]", " ", match.group())


def functions(text):
    """Yields (name, line, comment above it), also of inline functions."""
    comments = {}  # of the line that a comment ends on
    for m in re.finditer(r"/\*.*?\*/", text, re.S):
        comments[text.count("\n", 0, m.end()) + 1] = re.sub(r"\s*\n \*\s*", " ", m.group()[2:-2])
    code = re.sub(r"/\*.*?\*/", blank, text, flags=re.S)
    code = re.sub(r"^[ \t]*#.*?(?<!\\)$", blank, code, flags=re.S | re.M)
    lines, code_lines = text.split("\n"), code.split("\n")
    depth, start, statement = 0, None, ""
    for number, line in enumerate(code_lines, 1):
        if depth == 0 and line.strip() and not re.match(r"\s*WRT_(BEGIN|END)_DECLS", line):
            start = start or number
            statement += line + "\n"
            m = re.search(r"\b(wrt_\w+)\s*\((?!\s*\*)", statement)
            if m and not re.match(r"\s*(typedef|struct \w+ \{|enum)\b(?! wrt_\w+\s+wrt)", statement) and (
                "WRT_API" in statement or "static inline" in statement
            ):
                yield m.group(1), start, comment_above(start, lines, code_lines, comments)
                statement = "\x00"  # told; wait for its end
        depth += line.count("{") - line.count("}")
        if depth == 0 and re.search(r"[;}]\s*$", line):
            start, statement = None, ""


def comment_above(start, lines, code_lines, comments):
    """The comment that covers the declaration: only declarations stand between."""
    at = start - 1
    while at > 0 and lines[at - 1].strip():
        if at in comments and not code_lines[at - 1].strip():
            return comments[at]
        if re.match(r"\s*\}", code_lines[at - 1]):
            break
        at -= 1
    return ""


def recorded(path, form):
    most = {}
    for line in open(path, encoding="utf-8"):
        m = re.match(form, line)
        if m:
            most[m["name"]] = max(most.get(m["name"], 0), int(m["number"]))
    return most


def fault_of(name, comment, steps, stack):
    found = re.findall(r"\bCost: (.*?)\.(?=\s|$)", comment)
    if len(found) != 1:
        return "states no cost" if not found else "states two costs"
    m = FORM.match(found[0])
    if not m:
        return f"is not in the form of wrt/base.h: {found[0]}"
    counted = steps.get(name, 0) if re.match(r"O\((1|depth)\)", found[0]) else 0
    for what, stated, known in (("steps", m[1], counted), ("bytes of stack", m[2], stack.get(name, 0))):
        if known > int(stated or ROOM[what]):
            return f"states {stated or 'no'} {what}, {known} were counted"
    return None


def main():
    steps = recorded(sys.argv[1], r"(?P<name>wrt_\w+)[^;]*;(?P<number>\d+)$")
    stack = recorded(sys.argv[2], r"\| (?P<number>\d+) \| `(?P<name>wrt_\w+)`")
    for path in sys.argv[3:]:
        header = path.split("include/")[-1]
        found = list(functions(open(path, encoding="utf-8").read()))
        faults = [(line, name, fault_of(name, comment, steps, stack)) for name, line, comment in found]
        for line, name, fault in faults:
            if fault:
                print(f"  {header}:{line}: {name} {fault}")
        wrong = sum(1 for f in faults if f[2])
        if found:
            print(f"{'FAIL' if wrong else 'PASS'} {header}: {len(found) - wrong} of {len(found)} functions state their cost")


if __name__ == "__main__":
    main()
