;; Calls the host for ever.
(module (import "wrt" "heartbeat" (func $heartbeat))
  (func (export "_start") (loop (call $heartbeat) (br 0))))
