;; What snapshot.wat calls in another instance.
(module
  (import "host" "wait" (func $wait (param i32) (result i32)))
  (export "wait" (func $wait))
  (memory (export "memory") 1 3)
  (global $calls (export "calls") (mut i64) (i64.const 0))
  (type $unary (func (param i32) (result i32)))
  (func $slow (export "slow") (param $n i32) (result i64) (local $s i64)
    (global.set $calls (i64.add (global.get $calls) (i64.const 1)))
    (loop $again
      (local.set $s (i64.add (local.get $s) (i64.extend_i32_u (local.get $n))))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $again (local.get $n)))
    (i64.store (i32.const 8) (local.get $s))
    (local.get $s))
  (func (export "hop") (param $n i32) (result i64)
    (return_call $slow (local.get $n)))
  (func (export "ask") (param $n i32) (result i32)
    (i32.add (i32.const 100) (call $wait (local.get $n)))))
