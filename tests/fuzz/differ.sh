#!/bin/sh
# differ.sh DIFFER FIRST COUNT: generated modules, run by wrt and by node, must give the same
# transcripts. Exit status 77: there is no node.  SPDX-License-Identifier: Apache-2.0
differ=$1 first=$2 count=$3
here=$(dirname "$0")
if ! command -v node >/dev/null; then
  echo "skipped: there is no node to compare with (Debian package nodejs)"
  exit 77
fi
flags=
for flag in --experimental-wasm-return-call --experimental-wasm-extended-const; do
  node "$flag" -e 0 2>/dev/null && flags="$flags $flag"
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$differ" "$work" "$first" "$count" >"$work/wrt.out" || { tail -3 "$work/wrt.out"; exit 1; }
node $flags "$here/differ.js" "$work" "$first" "$count" >"$work/node.out" || exit 1
if ! cmp -s "$work/wrt.out" "$work/node.out"; then
  echo "wrt (-) and node (+) differ; the line before a difference names the module:"
  diff -u -F '^module' "$work/wrt.out" "$work/node.out" | head -40
  exit 1
fi
calls=$(grep -c '^f' "$work/wrt.out") traps=$(grep -c '^f.* trap ' "$work/wrt.out")
echo "$count modules, $calls calls, $traps of them trapped: no difference"
[ "$calls" -gt "$count" ] # that nothing ran would be no comparison
