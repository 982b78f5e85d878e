;; A module whose start function traps. SPDX-License-Identifier: Apache-2.0
(module (func $start (unreachable)) (start $start))
