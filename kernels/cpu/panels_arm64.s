//go:build arm64 && !purego

#include "textflag.h"

// Copies into strips and panels.

// Transposes 4 rows of a, 4 columns at a time: dst[c ds + r] = a[r as + c] for
// r < 4, c < 4 blocks.
//
//   R1..R4  rows of a
//   R0, R7  row of dst, bytes to the next
//   R5      blocks left
//
// func transposeVector(dst *float32, ds int, a *float32, as, blocks int)
TEXT ·transposeVector(SB), NOSPLIT, $0-40
	MOVD dst+0(FP), R0
	MOVD ds+8(FP), R7
	MOVD a+16(FP), R1
	MOVD as+24(FP), R4
	MOVD blocks+32(FP), R5
	LSL  $2, R7
	ADD  R4<<2, R1, R2
	ADD  R4<<2, R2, R3
	ADD  R4<<2, R3, R4

next:
	FMOVQ.P 16(R1), F0
	FMOVQ.P 16(R2), F1
	FMOVQ.P 16(R3), F2
	FMOVQ.P 16(R4), F3
	VTRN1 V1.S4, V0.S4, V4.S4
	VTRN2 V1.S4, V0.S4, V5.S4
	VTRN1 V3.S4, V2.S4, V6.S4
	VTRN2 V3.S4, V2.S4, V7.S4
	VTRN1 V6.D2, V4.D2, V0.D2
	VTRN1 V7.D2, V5.D2, V1.D2
	VTRN2 V6.D2, V4.D2, V2.D2
	VTRN2 V7.D2, V5.D2, V3.D2
	VST1.P [V0.S4], (R0)(R7)
	VST1.P [V1.S4], (R0)(R7)
	VST1.P [V2.S4], (R0)(R7)
	VST1.P [V3.S4], (R0)(R7)
	SUBS $1, R5
	BNE  next
	RET

// Copies k rows of src, each cut into strips of 8 or 12 columns: dst[s width k +
// l width + j] = src[l next + s width + j].
//
//   R0, R1  row of src, bytes to the next
//   R2, R3  row of the first strip, bytes of a strip
//   R4, R5  strips, rows left
//   R6, R7  place in src and in dst, R8 strips left
//
// func copyStripsVector(dst, src *float32, next, width, strips, k int)
TEXT ·copyStripsVector(SB), NOSPLIT, $0-48
	MOVD dst+0(FP), R2
	MOVD src+8(FP), R0
	MOVD next+16(FP), R1
	MOVD width+24(FP), R9
	MOVD strips+32(FP), R4
	MOVD k+40(FP), R5
	LSL  $2, R1
	LSL  $2, R9
	MUL  R9, R5, R3

row:
	MOVD R0, R6
	MOVD R2, R7
	MOVD R4, R8
	ADD  R1, R0
	ADD  R9, R2
	CMP  $32, R9
	BEQ  strip8

strip12:
	VLD1.P 48(R6), [V0.S4, V1.S4, V2.S4]
	VST1.P [V0.S4, V1.S4, V2.S4], (R7)(R3)
	SUBS   $1, R8
	BNE    strip12
	SUBS   $1, R5
	BNE    row
	RET

strip8:
	VLD1.P 32(R6), [V0.S4, V1.S4]
	VST1.P [V0.S4, V1.S4], (R7)(R3)
	SUBS   $1, R8
	BNE    strip8
	SUBS   $1, R5
	BNE    row
	RET
