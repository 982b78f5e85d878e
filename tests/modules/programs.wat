;; Programs (i32) -> i32 that end, each with a different mix of instructions: what pausing,
;; fuel and allocation are tested with. Each is a pure function of its argument as long as
;; the instance is fresh.  SPDX-License-Identifier: Apache-2.0
(module
  (type $binary (func (param i32 i32) (result i32)))
  (memory (export "memory") 1 8)
  (table $operations 4 16 funcref)
  (elem (i32.const 0) $add $sub $mul $xor)
  (global $seed (mut i32) (i32.const 1))
  (data $text "the quick brown fox jumps over the lazy dog")

  (func $add (type $binary) (i32.add (local.get 0) (local.get 1)))
  (func $sub (type $binary) (i32.sub (local.get 0) (local.get 1)))
  (func $mul (type $binary) (i32.mul (local.get 0) (local.get 1)))
  (func $xor (type $binary) (i32.xor (local.get 0) (local.get 1)))

  (func $fib (export "fib") (param i32) (result i32)
    (if (result i32) (i32.lt_u (local.get 0) (i32.const 2))
      (then (local.get 0))
      (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                     (call $fib (i32.sub (local.get 0) (i32.const 2)))))))

  (func (export "sum") (param $n i32) (result i32) (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (i32.mul (local.get $n) (i32.const 3))))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum))

  (func (export "sieve") (param $n i32) (result i32) (local $i i32) (local $k i32) (local $count i32)
    (memory.fill (i32.const 0) (i32.const 1) (local.get $n))
    (local.set $i (i32.const 2))
    (block $done
      (loop $outer
        (br_if $done (i32.ge_u (local.get $i) (local.get $n)))
        (if (i32.load8_u (local.get $i))
          (then
            (local.set $count (i32.add (local.get $count) (i32.const 1)))
            (local.set $k (i32.mul (local.get $i) (local.get $i)))
            (block $end
              (loop $inner
                (br_if $end (i32.ge_u (local.get $k) (local.get $n)))
                (i32.store8 (local.get $k) (i32.const 0))
                (local.set $k (i32.add (local.get $k) (local.get $i)))
                (br $inner)))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $outer)))
    (local.get $count))

  ;; A tiny machine: picks an operation by the low bits of a random number.
  (func $random (result i32)
    (global.set $seed (i32.add (i32.mul (global.get $seed) (i32.const 1103515245)) (i32.const 12345)))
    (i32.shr_u (global.get $seed) (i32.const 16)))
  (func (export "dispatch") (param $n i32) (result i32) (local $value i32)
    (loop $again
      (local.set $value
        (call_indirect (type $binary) (local.get $value) (call $random)
          (i32.and (call $random) (i32.const 3))))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $value))

  (func (export "switch") (param $n i32) (result i32) (local $value i32)
    (loop $again
      (block $join (block $three (block $two (block $one
        (br_table $one $two $three (i32.rem_u (local.get $n) (i32.const 3))))
        (local.set $value (i32.add (local.get $value) (i32.const 11)))
        (br $join))
        (local.set $value (i32.rotl (local.get $value) (i32.const 5)))
        (br $join))
        (local.set $value (i32.xor (local.get $value) (local.get $n))))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $value))

  (func (export "floats") (param $n i32) (result i32) (local $x f64) (local $y f32)
    (local.set $x (f64.const 0.5))
    (local.set $y (f32.const 1.5))
    (loop $again
      (local.set $x (f64.mul (f64.const 3.7)
        (f64.mul (local.get $x) (f64.sub (f64.const 1) (local.get $x)))))
      (local.set $y (f32.sqrt (f32.add (local.get $y) (f32.demote_f64 (local.get $x)))))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i32.xor (i32.wrap_i64 (i64.reinterpret_f64 (local.get $x)))
             (i32.reinterpret_f32 (local.get $y))))

  ;; Tail calls: even and odd.
  (func $even (export "even") (param i32) (result i32)
    (if (i32.eqz (local.get 0)) (then (return (i32.const 1))))
    (return_call $odd (i32.sub (local.get 0) (i32.const 1))))
  (func $odd (param i32) (result i32)
    (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
    (return_call $even (i32.sub (local.get 0) (i32.const 1))))

  (func (export "bulk") (param $n i32) (result i32) (local $i i32) (local $sum i32)
    (memory.init $text (i32.const 1000) (i32.const 0) (i32.const 43))
    (loop $again
      (memory.copy (i32.add (i32.const 1001) (local.get $n)) (i32.const 1000) (i32.const 200))
      (memory.fill (i32.add (i32.const 2000) (local.get $n)) (local.get $n) (i32.const 70))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (loop $count
      (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31))
        (i32.load8_u offset=1000 (local.get $i))))
      (br_if $count (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1200))))
    (local.get $sum))

  ;; Many values across calls and blocks.
  (func $three (param i32) (result i32 i64 f64)
    (i32.add (local.get 0) (i32.const 1))
    (i64.extend_i32_s (local.get 0))
    (f64.convert_i32_s (local.get 0)))
  (func (export "values") (param $n i32) (result i32) (local $sum i32)
    (loop $again
      (call $three (local.get $n))
      (block (param i32 i64 f64) (result i32)
        (i64.trunc_sat_f64_s)
        (i64.mul)
        (i32.wrap_i64)
        (i32.xor))
      (local.set $sum (i32.add (local.get $sum)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum))

  ;; Not pure: these grow.
  (func (export "grow_memory") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "grow_table") (param i32) (result i32)
    (table.grow $operations (ref.null func) (local.get 0)))
  (func (export "forever") (loop $again (br $again)))
  (func (export "forever_calls") (loop $again (drop (call $random)) (br $again)))
  (func $forever_tail (export "forever_tail") (return_call $forever_tail))
  (func $down (export "down") (param i32) (result i32)
    (i32.add (call $down (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))
)
