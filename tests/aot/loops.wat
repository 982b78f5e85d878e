;; loops.wat - a loop of each kind that `wrt compile` tells apart (cli/aot_text.c), and what only looks like one.
;; SPDX-License-Identifier: Apache-2.0
(module
  (memory 1)
  (func $leaf (param i32) (result i32) (i32.mul (local.get 0) (i32.const 3)))
  (func $calls (param i32) (result i32) (call $leaf (i32.add (local.get 0) (i32.const 1))))
  (func $paid (param i32) (result i32) (if (result i32) (local.get 0)
    (then (call $calls (local.get 0))) (else (i32.const 7))))

  ;; A known number of turns, and no other end.
  (func $whole (export "whole") (param $x i32) (result i32) (local $i i32)
    (local.set $i (i32.const -64))
    (loop $again
      (local.set $x (i32.add (i32.rotl (local.get $x) (i32.const 5)) (local.get $i)))
      (br_if $again (local.tee $i (i32.add (local.get $i) (i32.const 1)))))
    (local.get $x))
  ;; At most 4097 turns; left by a jump.
  (func $short (export "short") (param $x i32) (result i32) (local $i i32)
    (local.set $i (i32.const 0))
    (block $out
      (loop $again
        (br_if $out (i32.eq (local.get $i) (local.get $x)))
        (local.set $x (i32.xor (local.get $x) (i32.const 64)))
        (br_if $again (i32.ne (local.tee $i (i32.add (local.get $i) (i32.const 3))) (i32.const 12291)))))
    (i32.add (local.get $i) (local.get $x)))
  ;; Any number of turns; blocks inside, two jumps back, one out, one to the function's end.
  (func $unrolled (export "unrolled") (param $x i32) (result i32) (local $i i32) (local $sum i32)
    (block $out
      (loop $again
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (block $odd
          (br_if $odd (i32.and (local.get $i) (i32.const 1)))
          (local.set $sum (i32.add (local.get $sum) (i32.const 10)))
          (br_if $again (i32.lt_u (local.get $i) (local.get $x)))
          (br $out))
        (if (i32.eq (local.get $i) (i32.const 77)) (then (return (i32.const -1))))
        (i32.store8 (local.get $i) (local.get $sum))
        (local.set $sum (i32.add (local.get $sum) (i32.load8_u (i32.sub (local.get $i) (i32.const 1)))))
        (br_if $again (i32.lt_u (local.get $i) (local.get $x)))))
    (i32.add (local.get $sum) (local.get $i)))
  ;; Begins with a call of what looks for a stop.
  (func $calling (export "calling") (param $x i32) (result i32) (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (call $paid (local.get $x)) (local.get $sum)))
      (br_if $again (local.tee $x (i32.sub (local.get $x) (i32.const 1)))))
    (local.get $sum))
  ;; Traps in the turn that is asked for.
  (func (export "traps") (param $x i32) (result i32) (local $i i32)
    (loop $again
      (drop (i32.div_u (i32.const 1) (i32.sub (local.get $x) (local.get $i))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $again))
    (i32.const 0))
  (func (export "all") (param $x i32) (result i32)
    (i32.add (call $whole (local.get $x)) (i32.add (call $short (local.get $x))
      (i32.add (call $unrolled (local.get $x)) (call $calling (local.get $x))))))

  ;; These do not end.
  (func (export "never_hits") (local $i i32) ;; odd for ever
    (local.set $i (i32.const 1))
    (loop $again (br_if $again (local.tee $i (i32.add (local.get $i) (i32.const 2))))))
  (func (export "goes_back") (local $i i32)
    (local.set $i (i32.const -64))
    (loop $again
      (if (i32.eq (local.get $i) (i32.const -3)) (then (local.set $i (i32.const -60))))
      (br_if $again (local.tee $i (i32.add (local.get $i) (i32.const 1))))))
  (func (export "another_back") (local $i i32)
    (local.set $i (i32.const -64))
    (loop $again
      (br_if $again (i32.eqz (i32.load (i32.const 0))))
      (br_if $again (local.tee $i (i32.add (local.get $i) (i32.const 1))))))
  (func (export "calls_for_ever")
    (loop $again (drop (call $paid (i32.const 5))) (br $again)))
  (func (export "leaf_for_ever")
    (loop $again (drop (call $leaf (i32.const 5))) (br $again)))
  (elem declare func $paid) ;; a reference to what looks is no call of it
  (func (export "names_for_ever") (loop $again (drop (ref.func $paid)) (br $again)))
  (func (export "around_short") (loop $again (drop (call $short (i32.const 5))) (br $again)))
  (func (export "around_whole") (local $i i32)
    (loop $outer
      (local.set $i (i32.const -8))
      (loop $again (br_if $again (local.tee $i (i32.add (local.get $i) (i32.const 1)))))
      (br $outer))))
