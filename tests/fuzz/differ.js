// differ.js - node's half of the comparison: runs the modules that differ.c writes to the
// standard input, and compares what comes of each.
//   differ.js --features   prints the sum of enum generate_features that this engine has
//   differ.js              compares; exit status 1 after a difference
// SPDX-License-Identifier: Apache-2.0
'use strict';
const fs = require('fs');

const budget = 300, rounds = 4;
const view = new DataView(new ArrayBuffer(8));

// ---- values ----

function f32Bits(value) {
  view.setFloat32(0, value);
  return view.getUint32(0).toString(16);
}

function f64Bits(value) {
  view.setFloat64(0, value);
  return view.getBigUint64(0).toString(16);
}

function reference(value) {
  if (value === null) return ' null';
  if (typeof value === 'function') return ' function';
  if (typeof value === 'number') return ` i31:${(value & 0x7fffffff).toString(16)}`;
  return value instanceof Host ? ` host:${value.number.toString(16)}` : ' object';
}

function show(type, value) {
  switch (type) {
    case 'i32': return ` i32:${(value >>> 0).toString(16)}`;
    case 'i64': return ` i64:${BigInt.asUintN(64, value).toString(16)}`;
    case 'f32': return ` f32:${Number.isNaN(value) ? 'nan' : f32Bits(value)}`;
    case 'f64': return ` f64:${Number.isNaN(value) ? 'nan' : f64Bits(value)}`;
    default: return reference(value);
  }
}

class Host { constructor(number) { this.number = number; } }
const hosts = [1, 2, 3, 4, 5, 6, 7, 8].map((number) => new Host(number));

const integers = [0n, -1n, 1n, (1n << 63n) - 1n, -(1n << 63n), 31n, 0x80000000n, 0x7fffffffn,
  0xffffn, 0xffffffffn, 64n];
const floats = [0, -0, 1e10, -1e30, 0.5, -1, 2147483648, 1e-40, 3, -7.5, 4294967296];

function otherArgument(type, which) {
  switch (type) {
    case 'i32': return Number(BigInt.asIntN(32, integers[which % 11]));
    case 'i64': return integers[which % 11];
    case 'f32': case 'f64': return floats[which % 11];
    default: return null;
  }
}

function argument(type, position, round) {
  if (round !== 0) return otherArgument(type, position * 3 + round);
  switch (type) {
    case 'i32': return 3 + position;
    case 'i64': return 0x100000005n + BigInt(position);
    case 'f32': return 1.25 * (position + 1);
    case 'f64': return -2.5 * (position + 1);
    case 'externref': return hosts[position];
    case 'i31ref': return position + 1;
    default: return null;
  }
}

// ---- traps ----

function trapName(error) {
  const text = error.message;
  if (error instanceof RangeError && /stack/.test(text)) return 'stack';
  if (/divide by zero|remainder by zero/.test(text)) return 'zero';
  if (/unrepresentable/.test(text)) return 'number';
  if (/null function|signature mismatch/.test(text)) return 'indirect';
  if (/unaligned/.test(text)) return 'memory'; // an access may be both
  if (/array element|array index|array too large/.test(text)) return 'array';
  if (/null pointer|null reference|rethrowing null/.test(text)) return 'null';
  if (/illegal cast/.test(text)) return 'cast';
  if (/table|element segment/.test(text)) return 'table';
  if (/memory access|data segment|memory/.test(text)) return 'memory';
  if (/unreachable/.test(text)) return 'unreachable';
  return text;
}

// ---- one module ----

function typesOf(text) {
  return text === '' ? [] : text.split(',');
}

function parse(text) {
  const items = {import: [], export: []};
  for (const line of text.split('\n').filter((l) => l !== '')) {
    const [what, name, type] = line.split(' ');
    const [parameters, results] = (type + ':').split(':');
    items[what].push({name, type, parameters: typesOf(parameters), results: typesOf(results)});
  }
  return items;
}

const unknown = (type) => type === 'v128' || type === 'exnref'; // JavaScript is given none

class Run {
  constructor() {
    this.hostCalls = 0;
    this.tag = null;
  }

  standIn(item) {
    return (...values) => {
      if (++this.hostCalls % 8 === 0 && this.tag !== null)
        throw new WebAssembly.Exception(this.tag, [5, 6n]);
      let sum32 = 7, sum64 = 7n;
      item.parameters.forEach((type, i) => {
        if (type === 'i32') sum32 = (sum32 + values[i]) | 0;
        if (type === 'i64') sum64 = BigInt.asIntN(64, sum64 + values[i]);
      });
      const answers = {i32: sum32, i64: sum64, f32: 1.5, f64: 2.5};
      const results = item.results.map((type) => type in answers ? answers[type] : null);
      return results.length < 2 ? results[0] : results;
    };
  }

  exception(error, exports) {
    for (const item of this.items.export.filter((i) => exports[i.name] instanceof WebAssembly.Tag)) {
      const tag = exports[item.name];
      if (!error.is(tag)) continue;
      return item.name + item.parameters.map((type, i) =>
        unknown(type) ? '' : show(type, error.getArg(tag, i))).join('');
    }
    return '';
  }

  call(item, exports, round) {
    const values = item.parameters.map((type, i) => argument(type, i, round));
    exports[this.budgetName].value = budget;
    let result;
    try {
      result = exports[item.name](...values);
    } catch (error) {
      if (error instanceof WebAssembly.Exception) return ` throws ${this.exception(error, exports)}`;
      if (!(error instanceof WebAssembly.RuntimeError) && !(error instanceof RangeError)) throw error;
      return ` trap ${trapName(error)}`;
    }
    const results = item.results.length < 2 ? [result] : result;
    return ' ok' + item.results.map((type, i) => show(type, results[i])).join('');
  }

  table(table, type) {
    const size = Number(table.length), wide = typeof table.length === 'bigint';
    let text = ` size ${size}`;
    for (let i = 0; i < Math.min(size, 64); i++) text += show(type, table.get(wide ? BigInt(i) : i));
    return text;
  }

  memory(memory) {
    const words = new Uint32Array(memory.buffer);
    let hash = 2166136261 | 0;
    for (let i = 0; i < words.length; i++) hash = Math.imul(hash ^ words[i], 16777619);
    return ` pages ${memory.buffer.byteLength / 65536} hash ${(hash >>> 0).toString(16)}`;
  }

  object(item, exports) {
    const value = exports[item.name];
    if (value instanceof WebAssembly.Global) return show(item.type, value.value);
    if (value instanceof WebAssembly.Table) return this.table(value, item.type);
    return this.memory(value);
  }

  importFor(item) {
    if (item.name !== 't0') return this.standIn(item);
    this.tag = new WebAssembly.Tag({parameters: item.parameters});
    return this.tag;
  }

  run(bytes, items) {
    const env = {};
    this.items = items;
    for (const item of items.import) env[item.name] = this.importFor(item);
    const module = new WebAssembly.Module(bytes);
    let exports;
    try {
      exports = new WebAssembly.Instance(module, {env}).exports;
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError)) throw error;
      return `instance trap ${trapName(error)} \n`;
    }
    this.budgetName = items.export[items.export.length - 1].name;
    let text = 'instance ok \n';
    const shown = items.export.filter((i) => !(exports[i.name] instanceof WebAssembly.Tag) &&
      !unknown(i.type) && !i.parameters.some(unknown) && !i.results.some(unknown));
    const isFunction = (item) => typeof exports[item.name] === 'function';
    for (let round = 0; round < rounds; round++) {
      for (const item of shown.filter(isFunction))
        text += item.name + this.call(item, exports, round) + '\n';
      for (const item of shown.filter((i) => !isFunction(i)))
        text += item.name + this.object(item, exports) + '\n';
    }
    return text + `host calls ${this.hostCalls}\n`;
  }
}

// ---- what this engine has: a module for each of enum generate_features ----

const section = (id, ...content) => [id, content.length, ...content];
const code = (...body) => [...section(1, 1, 0x60, 0, 0), ...section(3, 1, 0),
  ...section(10, 1, body.length + 2, 0, ...body, 0x0b)];

const probes = [
  section(5, 2, 0, 0, 0, 0),                                      // several memories
  code(0x12, 0),                                                  // return_call
  section(6, 1, 0x7f, 0, 0x41, 1, 0x41, 1, 0x6a, 0x0b),           // i32.add in a constant
  code(0xfd, 12, ...new Array(16).fill(0), 0x1a),                 // v128.const
  code(0xfe, 3, 0),                                               // atomic.fence
  code(0x1f, 0x40, 0, 0x0b),                                      // try_table
  section(1, 1, 0x50, 0, 0x5f, 0),                                // a struct
  [...section(4, 1, 0x70, 4, 0), ...section(5, 1, 4, 0)],         // 64-bit table and memory
];

function features() {
  const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  return probes.reduce((sum, probe, i) =>
    sum + (WebAssembly.validate(new Uint8Array([...header, ...probe])) ? 1 << i : 0), 0);
}

// ---- the stream ----

class Input {
  constructor() {
    this.buffer = Buffer.alloc(1 << 20);
    this.start = this.end = 0;
  }

  fill() { // false at the end
    if (this.start > 0) {
      this.buffer.copy(this.buffer, 0, this.start, this.end);
      this.end -= this.start;
      this.start = 0;
    }
    for (;;) {
      try {
        const n = fs.readSync(0, this.buffer, this.end, this.buffer.length - this.end, null);
        this.end += n;
        return n > 0;
      } catch (error) {
        if (error.code === 'EOF') return false;
        if (error.code !== 'EAGAIN') throw error;
      }
    }
  }

  line() { // null at the end
    for (;;) {
      const at = this.buffer.subarray(this.start, this.end).indexOf(10);
      if (at >= 0) return this.bytes(at + 1).toString('latin1', 0, at);
      if (!this.fill()) return null;
    }
  }

  bytes(count) {
    while (this.end - this.start < count) {
      if (!this.fill()) throw new Error('the stream ends early');
    }
    this.start += count;
    return Buffer.from(this.buffer.subarray(this.start - count, this.start));
  }
}

function runOne(module, types) {
  try {
    return new Run().run(module, parse(types));
  } catch (error) {
    return `refused by node: ${error.message}\n`;
  }
}

// Copying and filling arrays may be wrong in two ways at once; engines look in another order.
const twoWays = ['array null', 'array table', 'array memory'];

function sameButOrder(ours, theirs) {
  const [a, b] = [ours.split('\n'), theirs.split('\n')];
  return a.length === b.length && a.every((line, i) => {
    const [mine, other] = [line.split(' trap '), b[i].split(' trap ')];
    return line === b[i] || (mine.length === 2 && other.length === 2 && mine[0] === other[0] &&
      twoWays.includes([mine[1], other[1]].sort().join(' ')));
  });
}

function report(number, module, ours, theirs) {
  const [a, b] = [ours.split('\n'), theirs.split('\n')];
  const at = a.findIndex((line, i) => line !== b[i]);
  console.log(`module ${number} differs (it is in differ-${number}.wasm):`);
  console.log(`  wrt:  ${a[at]}\n  node: ${b[at]}`);
  fs.writeFileSync(`differ-${number}.wasm`, module);
}

function compareAll() {
  const input = new Input();
  const count = {modules: 0, calls: 0, traps: 0, throws: 0, twoWays: 0, differences: 0};
  for (let line; (line = input.line()) !== null; count.modules++) {
    const [number, ...sizes] = line.split(' ').map(Number);
    const [module, types, ours] = sizes.map((size) => input.bytes(size));
    const mine = ours.toString('latin1'), theirs = runOne(module, types.toString('latin1'));
    count.calls += (theirs.match(/^f/gm) || []).length;
    count.traps += (theirs.match(/ trap /g) || []).length;
    count.throws += (theirs.match(/ throws /g) || []).length;
    if (mine === theirs) continue;
    if (sameButOrder(mine, theirs)) {
      count.twoWays++;
      continue;
    }
    report(number, module, mine, theirs);
    if (++count.differences === 20) break;
  }
  console.log(`${count.modules} modules with ${rounds} sets of inputs, ${count.calls} calls, ${count.traps} trapped, ` +
    `${count.throws} threw, ${count.twoWays} modules with a trap of two reasons: ${count.differences === 0 ? 'no' : count.differences} difference`);
  if (count.differences !== 0 || count.calls <= count.modules) process.exitCode = 1;
}

if (process.argv[2] === '--features') console.log(features());
else compareAll();
