;; SPDX-License-Identifier: Apache-2.0
(module
  (func $boot (unreachable))
  (func (export "_start"))
  (start $boot))
