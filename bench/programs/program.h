/* bench/programs/program.h - what each program gives: run(n), a checksum that is the same
 * natively and as WebAssembly.  SPDX-License-Identifier: Apache-2.0
 */
#ifndef PROGRAM_H
#define PROGRAM_H
#include <stdint.h>
#ifdef __wasm__
__attribute__((export_name("run")))
#endif
int run(int n);
#endif
