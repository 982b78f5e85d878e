/* engine/vector.h - v128 values, and the operations on them that are functions.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A v128 stands in two consecutive slots, lane 0 first, as in a guest's memory. Vector types
 * are those of gcc and clang; sums wrap because their lanes are unsigned, comparisons give
 * lanes of all ones or none.
 */
#ifndef WRT_ENGINE_VECTOR_H
#define WRT_ENGINE_VECTOR_H

#include "code.h"

#define WRT_VECTOR_OF(T) T __attribute__((vector_size(16)))
typedef WRT_VECTOR_OF(uint8_t) u8x16;
typedef WRT_VECTOR_OF(int8_t) s8x16;
typedef WRT_VECTOR_OF(uint16_t) u16x8;
typedef WRT_VECTOR_OF(int16_t) s16x8;
typedef WRT_VECTOR_OF(uint32_t) u32x4;
typedef WRT_VECTOR_OF(int32_t) s32x4;
typedef WRT_VECTOR_OF(uint64_t) u64x2;
typedef WRT_VECTOR_OF(int64_t) s64x2;
typedef WRT_VECTOR_OF(float) f32x4;
typedef WRT_VECTOR_OF(double) f64x2;

#endif
