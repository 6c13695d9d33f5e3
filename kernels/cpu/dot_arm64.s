//go:build arm64 && !purego

#include "textflag.h"
#include "neon_arm64.h"

// Scalar products of rows of x with four rows of w, which are stride apart.

// WROWS4 points R1..R4 at the four rows.
#define WROWS4 \
	MOVD w+8(FP), R1       \
	MOVD stride+16(FP), R4 \
	ADD  R4<<2, R1, R2     \
	ADD  R4<<2, R2, R3     \
	ADD  R4<<2, R3, R4

#define CLEAR4(v0, v1, v2, v3) \
	VEOR v0.B16, v0.B16, v0.B16 \
	VEOR v1.B16, v1.B16, v1.B16 \
	VEOR v2.B16, v2.B16, v2.B16 \
	VEOR v3.B16, v3.B16, v3.B16

// ADD4 adds the elements of each of four registers into those of v0.
#define ADD4(v0, v1, v2, v3) \
	FADDP(v1, v0, v0) \
	FADDP(v3, v2, v2) \
	FADDP(v2, v0, v0)

// STEP44 multiplies what LOAD reads of all rows: x in V0..V3, w in V4..V7, sums
// of row i of x in V(16+4i) to V(19+4i).
#define STEP44(LOAD, size) \
	LOAD.P size(R5), F0   \
	LOAD.P size(R6), F1   \
	LOAD.P size(R7), F2   \
	LOAD.P size(R8), F3   \
	LOAD.P size(R1), F4   \
	LOAD.P size(R2), F5   \
	LOAD.P size(R3), F6   \
	LOAD.P size(R4), F7   \
	FMLA(4, 0, 16)        \
	FMLA(4, 1, 20)        \
	FMLA(4, 2, 24)        \
	FMLA(4, 3, 28)        \
	FMLA(5, 0, 17)        \
	FMLA(5, 1, 21)        \
	FMLA(5, 2, 25)        \
	FMLA(5, 3, 29)        \
	FMLA(6, 0, 18)        \
	FMLA(6, 1, 22)        \
	FMLA(6, 2, 26)        \
	FMLA(6, 3, 30)        \
	FMLA(7, 0, 19)        \
	FMLA(7, 1, 23)        \
	FMLA(7, 2, 27)        \
	FMLA(7, 3, 31)

// out[i][r] = sum of x[i][l] w[r stride + l], l < n.
//
//   R1..R4  rows of w, R5..R8 of x
//   R9      elements left
//   R10     out
//
// func dot4x4Vector(x *[4]*float32, w *float32, stride, n int, out *[4][4]float32)
TEXT ·dot4x4Vector(SB), NOSPLIT, $0-40
	WROWS4
	MOVD x+0(FP), R0
	MOVD n+24(FP), R9
	MOVD out+32(FP), R10
	LDP  0(R0), (R5, R6)
	LDP  16(R0), (R7, R8)
	CLEAR4(V16, V17, V18, V19)
	CLEAR4(V20, V21, V22, V23)
	CLEAR4(V24, V25, V26, V27)
	CLEAR4(V28, V29, V30, V31)
	SUBS $4, R9
	BLT  rest
	PCALIGN $16

loop:
	STEP44(FMOVQ, 16)
	SUBS $4, R9
	BGE  loop

rest:
	ADDS $4, R9
	BEQ  add

one:
	STEP44(FMOVS, 4)
	SUBS $1, R9
	BNE  one

add:
	ADD4(16, 17, 18, 19)
	ADD4(20, 21, 22, 23)
	ADD4(24, 25, 26, 27)
	ADD4(28, 29, 30, 31)
	FMOVQ F16, 0(R10)
	FMOVQ F20, 16(R10)
	FMOVQ F24, 32(R10)
	FMOVQ F28, 48(R10)
	RET

// STEP14 multiplies what LOAD reads of a row of x and four of w.
#define STEP14(LOAD, size) \
	LOAD.P size(R0), F0   \
	LOAD.P size(R1), F4   \
	LOAD.P size(R2), F5   \
	LOAD.P size(R3), F6   \
	LOAD.P size(R4), F7   \
	FMLA(4, 0, 16)        \
	FMLA(5, 0, 17)        \
	FMLA(6, 0, 18)        \
	FMLA(7, 0, 19)

// ROW16 multiplies 16 elements of x, in V0..V3, with those of a row.
#define ROW16(row, s0, s1) \
	VLD1.P 64(row), [V4.S4, V5.S4, V6.S4, V7.S4] \
	FMLA(4, 0, s0)        \
	FMLA(5, 1, s1)        \
	FMLA(6, 2, s0)        \
	FMLA(7, 3, s1)

// out[r] = sum of x[i] w[r stride + i], i < n.
//
//   R0      x
//   R1..R4  rows of w
//   R9      elements left
//   R10     out
//   V16..V19, V20..V23 sums of the four rows
//
// func dot4Vector(x, w *float32, stride, n int, out *float32)
TEXT ·dot4Vector(SB), NOSPLIT, $0-40
	WROWS4
	MOVD x+0(FP), R0
	MOVD n+24(FP), R9
	MOVD out+32(FP), R10
	CLEAR4(V16, V17, V18, V19)
	CLEAR4(V20, V21, V22, V23)
	SUBS $16, R9
	BLT  narrow
	PCALIGN $16

wide:
	VLD1.P 64(R0), [V0.S4, V1.S4, V2.S4, V3.S4]
	ROW16(R1, 16, 20)
	ROW16(R2, 17, 21)
	ROW16(R3, 18, 22)
	ROW16(R4, 19, 23)
	SUBS $16, R9
	BGE  wide

narrow:
	ADD  $12, R9
	TBNZ $63, R9, rest

four:
	STEP14(FMOVQ, 16)
	SUBS $4, R9
	BGE  four

rest:
	ADDS $4, R9
	BEQ  add

one:
	STEP14(FMOVS, 4)
	SUBS $1, R9
	BNE  one

add:
	FADD(20, 16, 16)
	FADD(21, 17, 17)
	FADD(22, 18, 18)
	FADD(23, 19, 19)
	ADD4(16, 17, 18, 19)
	FMOVQ F16, (R10)
	RET
