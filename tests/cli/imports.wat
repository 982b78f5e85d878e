;; SPDX-License-Identifier: Apache-2.0
(module
  (import "nowhere" "thing" (func (param i64)))
  (import "nowhere" "memory" (memory 1 3))
  (import "nowhere" "table" (table 2 5 funcref))
  (import "nowhere" "global" (global (mut f64)))
  (func (export "_start") (call 0 (i64.const 1))))
