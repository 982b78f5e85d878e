;; One thread beside the first: what tests/sweep/sweep_services.c runs while calls fail.
;; SPDX-License-Identifier: Apache-2.0
(module
  (import "env" "memory" (memory 1 2 shared))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))

  (func (export "wasi_thread_start") (param $thread i32) (param $n i32)
    (drop (i32.atomic.rmw.add (i32.const 0) (local.get $n)))
    (drop (memory.atomic.notify (i32.const 0) (i32.const 1))))

  ;; what the new thread left, or what thread-spawn said when it refused
  (func (export "run") (param $n i32) (result i32) (local $thread i32)
    (local.set $thread (call $spawn (local.get $n)))
    (if (i32.le_s (local.get $thread) (i32.const 0)) (then (return (local.get $thread))))
    (loop $again
      (if (i32.eqz (i32.atomic.load (i32.const 0)))
        (then
          (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))
          (br $again))))
    (i32.atomic.load (i32.const 0))))
