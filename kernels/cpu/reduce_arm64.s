//go:build arm64 && !purego

#include "textflag.h"
#include "neon_arm64.h"
#include "vec_arm64.h"

// Reductions take a multiple of 8 elements, but for the maximum, and keep four
// vectors of partial results in V0..V3.

// REDUCE runs WIDE for 16 elements at a time, then NARROW for 8.
#define REDUCE(WIDE, NARROW) \
	VEOR V0.B16, V0.B16, V0.B16 \
	VEOR V1.B16, V1.B16, V1.B16 \
	VEOR V2.B16, V2.B16, V2.B16 \
	VEOR V3.B16, V3.B16, V3.B16 \
	SUBS $16, R5       \
	BLT  narrow        \
wide:                  \
	WIDE               \
	SUBS $16, R5       \
	BGE  wide          \
narrow:                \
	ADDS $16, R5       \
	BEQ  reduced       \
	NARROW             \
reduced:

// LANESUM adds V0..V3 into the lowest element of V0.
#define LANESUM \
	FADD(1, 0, 0)  \
	FADD(3, 2, 2)  \
	FADD(2, 0, 0)  \
	FADDP(0, 0, 0) \
	FADDP2(0, 0)

#define SUM16 \
	VLD1.P 64(R2), [V4.S4, V5.S4, V6.S4, V7.S4] \
	FADD(4, 0, 0) \
	FADD(5, 1, 1) \
	FADD(6, 2, 2) \
	FADD(7, 3, 3)
#define SUM8 \
	VLD1 (R2), [V4.S4, V5.S4] \
	FADD(4, 0, 0) \
	FADD(5, 1, 1)

// func sumVector(a *float32, n int) float32
TEXT ·sumVector(SB), NOSPLIT, $0-20
	MOVD a+0(FP), R2
	MOVD n+8(FP), R5
	REDUCE(SUM16, SUM8)
	LANESUM
	FMOVS F0, ret+16(FP)
	RET

#define DOT16 \
	VLD1.P 64(R2), [V4.S4, V5.S4, V6.S4, V7.S4]     \
	VLD1.P 64(R3), [V16.S4, V17.S4, V18.S4, V19.S4] \
	FMLA(4, 16, 0) \
	FMLA(5, 17, 1) \
	FMLA(6, 18, 2) \
	FMLA(7, 19, 3)
#define DOT8 \
	VLD1 (R2), [V4.S4, V5.S4]   \
	VLD1 (R3), [V16.S4, V17.S4] \
	FMLA(4, 16, 0) \
	FMLA(5, 17, 1)

// func dotVector(a, b *float32, n int) float32
TEXT ·dotVector(SB), NOSPLIT, $0-28
	MOVD a+0(FP), R2
	MOVD b+8(FP), R3
	MOVD n+16(FP), R5
	REDUCE(DOT16, DOT8)
	LANESUM
	FMOVS F0, ret+24(FP)
	RET

#define DEV16 \
	VLD1.P 64(R2), [V4.S4, V5.S4, V6.S4, V7.S4] \
	FSUB(31, 4, 4) \
	FSUB(31, 5, 5) \
	FSUB(31, 6, 6) \
	FSUB(31, 7, 7) \
	FMLA(4, 4, 0)  \
	FMLA(5, 5, 1)  \
	FMLA(6, 6, 2)  \
	FMLA(7, 7, 3)
#define DEV8 \
	VLD1 (R2), [V4.S4, V5.S4] \
	FSUB(31, 4, 4) \
	FSUB(31, 5, 5) \
	FMLA(4, 4, 0)  \
	FMLA(5, 5, 1)

// sum of (a - t)^2, t in V31
//
// func deviationVector(a *float32, n int, t float32) float32
TEXT ·deviationVector(SB), NOSPLIT, $0-28
	MOVD a+0(FP), R2
	MOVD n+8(FP), R5
	EACH(t+16(FP), F31, V31)
	REDUCE(DEV16, DEV8)
	LANESUM
	FMOVS F0, ret+24(FP)
	RET

// func maxVector(a *float32, n int) float32
TEXT ·maxVector(SB), NOSPLIT, $0-20
	MOVD  a+0(FP), R2
	MOVD  n+8(FP), R5
	FMOVS (R2), F0
	VDUP  V0.S[0], V0.S4
	VMOV  V0.B16, V1.B16
	VMOV  V0.B16, V2.B16
	VMOV  V0.B16, V3.B16
	SUBS  $16, R5
	BLT   narrow

wide:
	VLD1.P 64(R2), [V4.S4, V5.S4, V6.S4, V7.S4]
	FMAX(4, 0, 0)
	FMAX(5, 1, 1)
	FMAX(6, 2, 2)
	FMAX(7, 3, 3)
	SUBS $16, R5
	BGE  wide

narrow:
	ADD  $12, R5
	TBNZ $63, R5, rest

four:
	FMOVQ.P 16(R2), F4
	FMAX(4, 0, 0)
	SUBS $4, R5
	BGE  four

rest:
	FMAX(1, 0, 0)
	FMAX(3, 2, 2)
	FMAX(2, 0, 0)
	FMAXV(0, 0)
	ADDS $4, R5
	BEQ  done

one:
	FMOVS.P 4(R2), F1
	FMAXS F1, F0, F0
	SUBS $1, R5
	BNE  one

done:
	FMOVS F0, ret+16(FP)
	RET

// Takes row into the running maximum best and its positions at: k where an
// element is larger, or the first NaN. n is a multiple of 8.
//
//   V0 row, V1 best, V2 at, V3 to be replaced, V31 k
//
// func maxRowVector(best *float32, at *int32, row *float32, n int, k int32)
TEXT ·maxRowVector(SB), NOSPLIT, $0-36
	MOVD best+0(FP), R0
	MOVD at+8(FP), R1
	MOVD row+16(FP), R2
	MOVD n+24(FP), R5
	MOVW k+32(FP), R6
	VDUP R6, V31.S4

next:
	FMOVQ.P 16(R2), F0
	FMOVQ   (R0), F1
	FMOVQ   (R1), F2
	FCMGE(0, 1, 4)
	FCMEQ(1, 1, 3)
	BIC(4, 3, 3)
	VBIT V3.B16, V0.B16, V1.B16
	VBIT V3.B16, V31.B16, V2.B16
	FMOVQ.P F1, 16(R0)
	FMOVQ.P F2, 16(R1)
	SUBS $4, R5
	BNE  next
	RET
