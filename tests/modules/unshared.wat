;; Atomics on a memory that no other thread can have.
;; SPDX-License-Identifier: Apache-2.0
(module
  (memory (export "memory") 1 2)
  (func (export "wait") (param $at i32) (result i32)
    (memory.atomic.wait32 (local.get $at) (i32.const 0) (i64.const 0)))
  (func (export "notify") (param $at i32) (result i32)
    (memory.atomic.notify (local.get $at) (i32.const 1)))
  (func (export "add") (param $at i32) (result i32)
    (drop (i32.atomic.rmw.add (local.get $at) (i32.const 3)))
    (i32.atomic.rmw.add (local.get $at) (i32.const 3))))
