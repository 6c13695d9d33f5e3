//go:build arm64 && !purego

#include "textflag.h"
#include "neon_arm64.h"
#include "packed_arm64.h"

// Scalar products of x with four neighbouring rows of packed weights. n, the
// length of a row, is a multiple of 16.
//
// Registers:
//   R0          x
//   R1..R4      codes of the rows
//   R5          elements left
//   R6          codes to prefetch: those of the next four rows
//   R7          out
//   R8..R11     factors of the rows' blocks
//   R12..R15    summands
//   V0..V3      x
//   V4..V7      weights
//   V16..V19    sums

// ROWS4 points four registers at rows that begin at the first one, step bytes
// apart.
#define ROWS4(step, r0, r1, r2, r3) \
	ADD step, r0, r1 \
	ADD step, r1, r2 \
	ADD step, r2, r3

#define CLEARSUMS \
	VEOR V16.B16, V16.B16, V16.B16 \
	VEOR V17.B16, V17.B16, V17.B16 \
	VEOR V18.B16, V18.B16, V18.B16 \
	VEOR V19.B16, V19.B16, V19.B16

// SUMS adds the elements of V16..V19 and stores them.
#define SUMS \
	FADDP(17, 16, 16) \
	FADDP(19, 18, 18) \
	FADDP(18, 16, 16) \
	FMOVQ F16, (R7)

// ROW adds the products of 16 elements with those of a row, of types without
// factors, to two of V16..V23.
#define ROW(DECODE, row, s0, s1) \
	FLDPQ.P 32(row), (F4, F5) \
	DECODE          \
	FMLA(0, 4, s0)  \
	FMLA(1, 5, s1)  \
	FMLA(2, 6, s0)  \
	FMLA(3, 7, s1)

// DOT is the function for types without factors.
#define DOT(DECODE) \
	MOVD x+0(FP), R0           \
	MOVD w+8(FP), R1           \
	MOVD n+16(FP), R5          \
	MOVD out+24(FP), R7        \
	LSL  $1, R5, R6            \
	ROWS4(R6, R1, R2, R3, R4)  \
	ADD  R6, R4, R6            \
	CLEARSUMS                  \
	VEOR V20.B16, V20.B16, V20.B16 \
	VEOR V21.B16, V21.B16, V21.B16 \
	VEOR V22.B16, V22.B16, V22.B16 \
	VEOR V23.B16, V23.B16, V23.B16 \
	VEOR V31.B16, V31.B16, V31.B16 \
	PCALIGN $16                \
loop:                          \
	PRFM (R6), PLDL1KEEP       \
	PRFM 64(R6), PLDL1KEEP     \
	VLD1.P 64(R0), [V0.S4, V1.S4, V2.S4, V3.S4] \
	ROW(DECODE, R1, 16, 20)    \
	ROW(DECODE, R2, 17, 21)    \
	ROW(DECODE, R3, 18, 22)    \
	ROW(DECODE, R4, 19, 23)    \
	ADD  $128, R6              \
	SUBS $16, R5               \
	BNE  loop                  \
	FADD(20, 16, 16)           \
	FADD(21, 17, 17)           \
	FADD(22, 18, 18)           \
	FADD(23, 19, 19)           \
	SUMS                       \
	RET

// BLOCKARGS reads the arguments of functions for blocks, but the summands and
// out. A row has n/16 factors.
#define BLOCKARGS \
	MOVD x+0(FP), R0              \
	MOVD w+8(FP), R1              \
	MOVD n+16(FP), R5             \
	MOVD stride+24(FP), R6        \
	MOVD factors+32(FP), R8       \
	ROWS4(R6, R1, R2, R3, R4)     \
	ADD  R6, R4, R6               \
	LSR  $2, R5, R16              \
	ROWS4(R16, R8, R9, R10, R11)

// func dot4BF16(x *float32, w *byte, n int, out *[4]float32)
TEXT ·dot4BF16(SB), NOSPLIT, $0-32
	DOT(WIDEBF16)

// func dot4F16(x *float32, w *byte, n int, out *[4]float32)
TEXT ·dot4F16(SB), NOSPLIT, $0-32
	DOT(WIDEF16)

#define ROWQ8(row, factors, sum) \
	FMOVQ.P 16(row), F4    \
	FMOVS.P 4(factors), F8 \
	WIDEQ8                   \
	FMUL(0, 4, 4)          \
	FMLA(1, 5, 4)          \
	FMLA(2, 6, 4)          \
	FMLA(3, 7, 4)          \
	FMLAE(0, 8, 4, sum)

// func dot4Q8(x *float32, w *byte, n, stride int, factors *float32, out *[4]float32)
TEXT ·dot4Q8(SB), NOSPLIT, $0-48
	BLOCKARGS
	MOVD out+40(FP), R7
	CONSTSQ8
	CLEARSUMS
	PCALIGN $16

loop:
	PRFM (R6), PLDL1KEEP
	VLD1.P 64(R0), [V0.S4, V1.S4, V2.S4, V3.S4]
	ROWQ8(R1, R8, 16)
	ROWQ8(R2, R9, 17)
	ROWQ8(R3, R10, 18)
	ROWQ8(R4, R11, 19)
	ADD  $64, R6
	SUBS $16, R5
	BNE  loop
	SUMS
	RET

// BLOCKQ4 adds the products of a block: factor * (codes x) - summand * (sum of
// x), with factors in V24, summands in V25.
#define BLOCKQ4(ZIP, at, x0, x1, x2, x3, xsum, sum) \
	WIDEQ4(ZIP)              \
	FMUL(x0, 20, 20)         \
	FMLA(x1, 21, 20)         \
	FMLA(x2, 22, 20)         \
	FMLA(x3, 23, 20)         \
	FMLAE(at, 24, 20, sum)   \
	FMLSE(at, 25, xsum, sum)

#define ROWQ4(row, factors, summands, sum) \
	FMOVQ.P 16(row), F10      \
	FMOVD.P 8(factors), F24   \
	FMOVD.P 8(summands), F25  \
	LOOKUPQ4                  \
	BLOCKQ4(VZIP1, 0, 0, 1, 2, 3, 8, sum) \
	BLOCKQ4(VZIP2, 1, 4, 5, 6, 7, 9, sum)

#define LASTQ4(row, factors, summands, sum) \
	FMOVD (row), F10          \
	FMOVS (factors), F24      \
	FMOVS (summands), F25     \
	LOOKUPQ4                  \
	BLOCKQ4(VZIP1, 0, 0, 1, 2, 3, 8, sum)

// Two blocks at a time: x in V0..V3 and V4..V7, its sums in V8 and V9.
//
// func dot4Q4(x *float32, w *byte, n, stride int, factors, summands *float32, out *[4]float32)
TEXT ·dot4Q4(SB), NOSPLIT, $0-56
	BLOCKARGS
	MOVD summands+40(FP), R12
	MOVD out+48(FP), R7
	ROWS4(R16, R12, R13, R14, R15)
	CONSTSQ4
	CLEARSUMS
	SUBS $32, R5
	BLT  last
	PCALIGN $16

loop:
	PRFM (R6), PLDL1KEEP
	PRFM 64(R6), PLDL1KEEP
	VLD4.P 64(R0), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD4.P 64(R0), [V4.S4, V5.S4, V6.S4, V7.S4]
	FADD(0, 1, 8)
	FADD(2, 3, 9)
	FADD(9, 8, 8)
	FADD(4, 5, 9)
	FADD(6, 7, 20)
	FADD(20, 9, 9)
	ROWQ4(R1, R8, R12, 16)
	ROWQ4(R2, R9, R13, 17)
	ROWQ4(R3, R10, R14, 18)
	ROWQ4(R4, R11, R15, 19)
	ADD  $80, R6
	SUBS $32, R5
	BGE  loop

last:
	TBZ  $4, R5, done
	VLD4 (R0), [V0.S4, V1.S4, V2.S4, V3.S4]
	FADD(0, 1, 8)
	FADD(2, 3, 9)
	FADD(9, 8, 8)
	LASTQ4(R1, R8, R12, 16)
	LASTQ4(R2, R9, R13, 17)
	LASTQ4(R3, R10, R14, 18)
	LASTQ4(R4, R11, R15, 19)

done:
	SUMS
	RET
