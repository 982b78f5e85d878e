;; What tests/unit/engine_threads.c runs in several stores at once.
;; SPDX-License-Identifier: Apache-2.0
(module
  (import "env" "memory" (memory 1 16 shared))

  ;; waits while the word is 0; -1: for ever
  (func (export "wait32") (param $at i32) (param $timeout i64) (result i32)
    (memory.atomic.wait32 (local.get $at) (i32.const 0) (local.get $timeout)))
  (func (export "wait64") (param $at i32) (param $timeout i64) (result i32)
    (memory.atomic.wait64 (local.get $at) (i64.const 0) (local.get $timeout)))
  (func (export "notify") (param $at i32) (param $count i32) (result i32)
    (memory.atomic.notify (local.get $at) (local.get $count)))
  ;; adds 1 to the word n times
  (func (export "add") (param $n i32) (result i32)
    (loop $again
      (drop (i32.atomic.rmw.add (i32.const 64) (i32.const 1)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i32.atomic.load (i32.const 64)))

  ;; the lock at 128 is 0 free, 1 held, 2 held and waited for; what it guards is at 132
  (func $lock
    (local $seen i32)
    (local.set $seen (i32.atomic.rmw.cmpxchg (i32.const 128) (i32.const 0) (i32.const 1)))
    (if (i32.eqz (local.get $seen)) (then (return)))
    (loop $again
      (if (i32.eqz (i32.atomic.rmw.xchg (i32.const 128) (i32.const 2))) (then (return)))
      (drop (memory.atomic.wait32 (i32.const 128) (i32.const 2) (i64.const -1)))
      (br $again)))
  (func $unlock
    (if (i32.eq (i32.atomic.rmw.xchg (i32.const 128) (i32.const 0)) (i32.const 2))
      (then (drop (memory.atomic.notify (i32.const 128) (i32.const 1))))))
  (func (export "count") (param $n i32) (result i32)
    (loop $again
      (call $lock)
      (i32.store (i32.const 132) (i32.add (i32.load (i32.const 132)) (i32.const 1)))
      (call $unlock)
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i32.const 0))
  (func (export "hold") (call $lock))

  (func (export "grow") (param $pages i32) (result i32) (memory.grow (local.get $pages)))
  (func (export "size") (param i32) (result i32) (memory.size))
  (func (export "load") (param $at i32) (result i32) (i32.load (local.get $at)))
  (func (export "load_atomic") (param $at i32) (result i32) (i32.atomic.load (local.get $at)))
  (func (export "store") (param $at i32) (result i32)
    (i32.store (local.get $at) (i32.const 7))
    (i32.load offset=0 (local.get $at)))
  (func (export "fill") (param $at i32) (result i32)
    (memory.fill (local.get $at) (i32.const 5) (i32.const 8))
    (i32.load8_u offset=7 (local.get $at)))
  (func (export "copy") (param $at i32) (result i32)
    (memory.copy (local.get $at) (i32.const 1024) (i32.const 8))
    (i32.const 1))
)
