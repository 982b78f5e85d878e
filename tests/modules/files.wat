;; Reads, writes and leaves its directory: descriptor 3. Results: a byte, or minus the error number.
(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "in")
  (data (i32.const 32) "out")
  (data (i32.const 48) "../secret")
  (data (i32.const 64) "fifo")
  (data (i32.const 80) "w")
  ;; a vector of one byte at 100, its count at 108, a descriptor at 112
  (func $vector (param $at i32)
    (i32.store (i32.const 100) (local.get $at))
    (i32.store (i32.const 104) (i32.const 1)))
  (func $read_byte (param $path i32) (param $bytes i32) (result i32) (local $error i32)
    (local.set $error (call $open (i32.const 3) (i32.const 0) (local.get $path) (local.get $bytes)
      (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 112)))
    (if (local.get $error) (then (return (i32.sub (i32.const 0) (local.get $error)))))
    (call $vector (i32.const 120))
    (local.set $error
      (call $read (i32.load (i32.const 112)) (i32.const 100) (i32.const 1) (i32.const 108)))
    (drop (call $close (i32.load (i32.const 112))))
    (if (local.get $error) (then (return (i32.sub (i32.const 0) (local.get $error)))))
    (i32.load8_u (i32.const 120)))
  (func (export "read") (result i32) (call $read_byte (i32.const 16) (i32.const 2)))
  (func (export "leave") (result i32) (call $read_byte (i32.const 48) (i32.const 9)))
  ;; makes "out" with one byte
  (func (export "write") (result i32) (local $error i32)
    (local.set $error (call $open (i32.const 3) (i32.const 0) (i32.const 32) (i32.const 3)
      (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 112)))
    (if (local.get $error) (then (return (i32.sub (i32.const 0) (local.get $error)))))
    (call $vector (i32.const 80))
    (local.set $error
      (call $write (i32.load (i32.const 112)) (i32.const 100) (i32.const 1) (i32.const 108)))
    (drop (call $close (i32.load (i32.const 112))))
    (if (local.get $error) (then (return (i32.sub (i32.const 0) (local.get $error)))))
    (i32.load8_u (i32.const 80)))
  ;; reads from a pipe that nobody writes to: hangs in the host
  (func (export "_start") (drop (call $read_byte (i32.const 64) (i32.const 4)))))
