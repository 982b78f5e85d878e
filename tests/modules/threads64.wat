;; Atomics of a memory with 64-bit addresses.
;; SPDX-License-Identifier: Apache-2.0
(module
  (memory i64 1 2 shared)
  (func (export "add") (param $at i64) (result i32)
    (i32.atomic.rmw.add offset=8 (local.get $at) (i32.const 5)))
  (func (export "wait") (param $at i64) (result i32)
    (memory.atomic.wait32 offset=8 (local.get $at) (i32.const 0) (i64.const 0)))
  (func (export "notify") (param $at i64) (result i32)
    (memory.atomic.notify offset=8 (local.get $at) (i32.const 1)))
  (func (export "swap") (param $at i64) (result i64)
    (i64.atomic.rmw.cmpxchg offset=8 (local.get $at) (i64.const 5) (i64.const 6)))
  (func (export "size") (param i64) (result i64) (memory.size))
  (func (export "grow") (param i64) (result i64) (memory.grow (local.get 0))))
