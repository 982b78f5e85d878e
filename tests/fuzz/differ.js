// differ.js FOLDER FIRST COUNT - node's half of the comparison: runs the modules that
// differ.c wrote and prints what came of each, in the same words.
// SPDX-License-Identifier: Apache-2.0
'use strict';
const fs = require('fs');

const budget = 300;
const view = new DataView(new ArrayBuffer(8));

function f32Bits(value) {
  view.setFloat32(0, value);
  return view.getUint32(0).toString(16);
}

function f64Bits(value) {
  view.setFloat64(0, value);
  return view.getBigUint64(0).toString(16);
}

function show(type, value) {
  switch (type) {
    case 'i32': return ` i32:${(value >>> 0).toString(16)}`;
    case 'i64': return ` i64:${BigInt.asUintN(64, value).toString(16)}`;
    case 'f32': return ` f32:${Number.isNaN(value) ? 'nan' : f32Bits(value)}`;
    case 'f64': return ` f64:${Number.isNaN(value) ? 'nan' : f64Bits(value)}`;
    case 'funcref': return ` funcref:${value === null ? 'null' : 'function'}`;
    default: return ` externref:${value === null ? 0 : value}`;
  }
}

function argument(type, position) {
  switch (type) {
    case 'i32': return 3 + position;
    case 'i64': return 0x100000005n + BigInt(position);
    case 'f32': return 1.25 * (position + 1);
    case 'f64': return -2.5 * (position + 1);
    case 'externref': return position + 1;
    default: return null;
  }
}

function trapName(error) {
  const text = error.message;
  if (error instanceof RangeError && /stack/.test(text)) return 'stack';
  if (/divide by zero|remainder by zero/.test(text)) return 'zero';
  if (/unrepresentable/.test(text)) return 'number';
  if (/null function|signature mismatch/.test(text)) return 'indirect';
  if (/unaligned/.test(text)) return 'memory'; // an access may be both
  if (/table|element segment/.test(text)) return 'table';
  if (/memory access|data segment|memory/.test(text)) return 'memory';
  if (/unreachable/.test(text)) return 'unreachable';
  return text;
}

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

class Run {
  constructor() { this.hostCalls = 0; }

  standIn(item) {
    return (...values) => {
      this.hostCalls++;
      let sum32 = 7, sum64 = 7n;
      item.parameters.forEach((type, i) => {
        if (type === 'i32') sum32 = (sum32 + values[i]) | 0;
        if (type === 'i64') sum64 = BigInt.asIntN(64, sum64 + values[i]);
      });
      const answers = {i32: sum32, i64: sum64, f32: 1.5, f64: 2.5, funcref: null, externref: null};
      const results = item.results.map((type) => answers[type]);
      return results.length < 2 ? results[0] : results;
    };
  }

  call(item, exports) {
    const values = item.parameters.map(argument);
    exports[this.budgetName].value = budget;
    let result;
    try {
      result = exports[item.name](...values);
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError) && !(error instanceof RangeError)) throw error;
      return ` trap ${trapName(error)}`;
    }
    const results = item.results.length < 2 ? [result] : result;
    return ' ok' + item.results.map((type, i) => show(type, results[i])).join('');
  }

  table(table, type) {
    let text = ` size ${table.length}`;
    for (let i = 0; i < Math.min(table.length, 64); i++) text += show(type, table.get(i));
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

  run(bytes, items) {
    const env = {};
    for (const item of items.import) env[item.name] = this.standIn(item);
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
    const shown = items.export.filter((i) => // JavaScript knows no vectors
      i.type !== 'v128' && !i.parameters.includes('v128') && !i.results.includes('v128'));
    const isFunction = (item) => typeof exports[item.name] === 'function';
    for (const item of shown.filter(isFunction))
      text += item.name + this.call(item, exports) + '\n';
    for (const item of shown.filter((i) => !isFunction(i)))
      text += item.name + this.object(item, exports) + '\n';
    return text + `host calls ${this.hostCalls}\n`;
  }
}

const [folder, first, count] = process.argv.slice(2);
for (let number = Number(first); number < Number(first) + Number(count); number++) {
  const items = parse(fs.readFileSync(`${folder}/${number}.txt`, 'utf8'));
  let text;
  try {
    text = new Run().run(fs.readFileSync(`${folder}/${number}.wasm`), items);
  } catch (error) {
    text = `refused by node: ${error.message}\n`;
  }
  process.stdout.write(`module ${number}\n${text}`);
}
