//go:build arm64 && !purego

#include "textflag.h"
#include "go_asm.h"
#include "neon_arm64.h"

// The micro-kernel of 12 x 8. Three registers hold a column of a strip of A,
// two a row of B: five loads for 24 multiply-adds.
//
//   R0          *tile
//   R1, R8      products left, runs of four of them
//   R2, R3      column of a, bytes to the next
//   R4, R5      row of b, bytes to the next
//   R6, R7      row of what is added to, then of c; bytes to the next
//   V0..V2      column of a
//   V3, V4      row of b
//   V5          zero
//   V8..V31     c, row i in V(8+2i) and V(9+2i)

// FMA4 adds the products of four rows, whose elements of a are in one register.
#define FMA4(a, c0, c1, c2, c3, c4, c5, c6, c7) \
	FMLAE(0, a, 3, c0) \
	FMLAE(0, a, 4, c1) \
	FMLAE(1, a, 3, c2) \
	FMLAE(1, a, 4, c3) \
	FMLAE(2, a, 3, c4) \
	FMLAE(2, a, 4, c5) \
	FMLAE(3, a, 3, c6) \
	FMLAE(3, a, 4, c7)

#define STEP4 \
	VLD1.P (R2)(R3), [V0.S4]                 \
	VLD1.P (R4)(R5), [V3.S4, V4.S4]          \
	FMA4(0, 8, 9, 10, 11, 12, 13, 14, 15)

#define STEP8 \
	VLD1.P (R2)(R3), [V0.S4, V1.S4]          \
	VLD1.P (R4)(R5), [V3.S4, V4.S4]          \
	FMA4(0, 8, 9, 10, 11, 12, 13, 14, 15)    \
	FMA4(1, 16, 17, 18, 19, 20, 21, 22, 23)

#define STEP12 \
	VLD1.P (R2)(R3), [V0.S4, V1.S4, V2.S4]   \
	VLD1.P (R4)(R5), [V3.S4, V4.S4]          \
	FMA4(0, 8, 9, 10, 11, 12, 13, 14, 15)    \
	FMA4(1, 16, 17, 18, 19, 20, 21, 22, 23)  \
	FMA4(2, 24, 25, 26, 27, 28, 29, 30, 31)

// PRODUCTS runs STEP for all products, and goes on at summed.
#define PRODUCTS(STEP, four, rest, one) \
	CBZ  R8, rest     \
	PCALIGN $16       \
four:                 \
	STEP              \
	STEP              \
	STEP              \
	STEP              \
	SUB  $1, R8       \
	CBNZ R8, four     \
rest:                 \
	CBZ  R1, summed   \
one:                  \
	STEP              \
	SUB  $1, R1       \
	CBNZ R1, one      \
	B    summed

#define SET4(c0, c1, c2, c3, c4, c5, c6, c7) \
	VMOV V3.B16, c0.B16 \
	VMOV V4.B16, c1.B16 \
	VMOV V3.B16, c2.B16 \
	VMOV V4.B16, c3.B16 \
	VMOV V3.B16, c4.B16 \
	VMOV V4.B16, c5.B16 \
	VMOV V3.B16, c6.B16 \
	VMOV V4.B16, c7.B16

#define ADDROW(c0, c1) \
	VLD1.P (R6)(R7), [V3.S4, V4.S4] \
	FADD(3, c0, c0)                 \
	FADD(4, c1, c1)

#define RELU4(c0, c1, c2, c3, c4, c5, c6, c7) \
	FMAX(5, c0, c0) \
	FMAX(5, c1, c1) \
	FMAX(5, c2, c2) \
	FMAX(5, c3, c3) \
	FMAX(5, c4, c4) \
	FMAX(5, c5, c5) \
	FMAX(5, c6, c6) \
	FMAX(5, c7, c7)

// func tile12x8(t *tile)
TEXT ·tile12x8(SB), NOSPLIT, $0-8
	MOVD t+0(FP), R0
	MOVD tile_k(R0), R1
	MOVD tile_a(R0), R2
	MOVD tile_ks(R0), R3
	MOVD tile_b(R0), R4
	MOVD tile_bs(R0), R5
	MOVD tile_ldc(R0), R7
	LSL  $2, R3
	LSL  $2, R5
	LSL  $2, R7
	LSR  $2, R1, R8
	AND  $3, R1

	VEOR V3.B16, V3.B16, V3.B16
	VEOR V4.B16, V4.B16, V4.B16
	VEOR V5.B16, V5.B16, V5.B16
	MOVD tile_bias(R0), R9
	CBZ  R9, nobias
	VLD1 (R9), [V3.S4, V4.S4]

nobias:
	SET4(V8, V9, V10, V11, V12, V13, V14, V15)
	SET4(V16, V17, V18, V19, V20, V21, V22, V23)
	SET4(V24, V25, V26, V27, V28, V29, V30, V31)

	// Of a tile with few rows, those that do not exist are left out by fours.
	MOVD tile_rows(R0), R9
	CMP  $8, R9
	BGT  rows12
	CMP  $4, R9
	BGT  rows8
	PRODUCTS(STEP4, loop4, rest4, one4)

rows8:
	PRODUCTS(STEP8, loop8, rest8, one8)

rows12:
	PRODUCTS(STEP12, loop12, rest12, one12)

summed:
	MOVD tile_from(R0), R6
	CBZ  R6, added
	ADDROW(8, 9)
	ADDROW(10, 11)
	ADDROW(12, 13)
	ADDROW(14, 15)
	ADDROW(16, 17)
	ADDROW(18, 19)
	ADDROW(20, 21)
	ADDROW(22, 23)
	ADDROW(24, 25)
	ADDROW(26, 27)
	ADDROW(28, 29)
	ADDROW(30, 31)

added:
	MOVD tile_flags(R0), R9
	TST  $const_tileReLU, R9
	BEQ  store
	RELU4(8, 9, 10, 11, 12, 13, 14, 15)
	RELU4(16, 17, 18, 19, 20, 21, 22, 23)
	RELU4(24, 25, 26, 27, 28, 29, 30, 31)

store:
	MOVD   tile_c(R0), R6
	VST1.P [V8.S4, V9.S4], (R6)(R7)
	VST1.P [V10.S4, V11.S4], (R6)(R7)
	VST1.P [V12.S4, V13.S4], (R6)(R7)
	VST1.P [V14.S4, V15.S4], (R6)(R7)
	VST1.P [V16.S4, V17.S4], (R6)(R7)
	VST1.P [V18.S4, V19.S4], (R6)(R7)
	VST1.P [V20.S4, V21.S4], (R6)(R7)
	VST1.P [V22.S4, V23.S4], (R6)(R7)
	VST1.P [V24.S4, V25.S4], (R6)(R7)
	VST1.P [V26.S4, V27.S4], (R6)(R7)
	VST1.P [V28.S4, V29.S4], (R6)(R7)
	VST1.P [V30.S4, V31.S4], (R6)(R7)
	RET
