//go:build arm64 && !purego

#include "textflag.h"
#include "go_asm.h"
#include "neon_arm64.h"
#include "vec_arm64.h"

// Arithmetic and updates.

#define ADD2(b, a) FADD(b, a, a)
#define SUB2(b, a) FSUB(b, a, a)
#define MUL2(b, a) FMUL(b, a, a)
#define DIV2(b, a) FDIV(b, a, a)
#define AXPY(b, a) FMLAE(0, 31, b, a)
#define SUBSCALE(a) \
	FSUB(30, a, a)      \
	FMULE(0, 31, a, a)

// func addVector(dst, a, b *float32, n int)
TEXT ·addVector(SB), NOSPLIT, $0-32
	ARGS2
	WIDE2(ADD2)

// func subVector(dst, a, b *float32, n int)
TEXT ·subVector(SB), NOSPLIT, $0-32
	ARGS2
	WIDE2(SUB2)

// func mulVector(dst, a, b *float32, n int)
TEXT ·mulVector(SB), NOSPLIT, $0-32
	ARGS2
	WIDE2(MUL2)

// func divVector(dst, a, b *float32, n int)
TEXT ·divVector(SB), NOSPLIT, $0-32
	ARGS2
	WIDE2(DIV2)

// dst = (a - t) s, t in V30, s in V31
//
// func subScaleVector(dst, a *float32, n int, t, s float32)
TEXT ·subScaleVector(SB), NOSPLIT, $0-32
	ARGS1
	EACH(t+24(FP), F30, V30)
	SCALAR(s+28(FP), F31)
	WIDE1(SUBSCALE)

// dst = a + b s, s in V31
//
// func axpyVector(dst, a, b *float32, n int, s float32)
TEXT ·axpyVector(SB), NOSPLIT, $0-36
	ARGS2
	SCALAR(s+32(FP), F31)
	WIDE2(AXPY)

// dst = a b + c
//
// func mulAddVector(dst, a, b, c *float32, n int)
TEXT ·mulAddVector(SB), NOSPLIT, $0-40
	MOVD dst+0(FP), R0
	MOVD a+8(FP), R2
	MOVD b+16(FP), R3
	MOVD c+24(FP), R4
	MOVD n+32(FP), R5
	SUBS $4, R5
	BLT  rest

loop:
	FMOVQ.P 16(R2), F0
	FMOVQ.P 16(R3), F1
	FMOVQ.P 16(R4), F2
	FMLA(0, 1, 2)
	FMOVQ.P F2, 16(R0)
	SUBS $4, R5
	BGE  loop

rest:
	ADDS $4, R5
	BEQ  done

one:
	FMOVS.P 4(R2), F0
	FMOVS.P 4(R3), F1
	FMOVS.P 4(R4), F2
	FMLA(0, 1, 2)
	FMOVS.P F2, 4(R0)
	SUBS $1, R5
	BNE  one

done:
	RET

// AXPY4 adds to V4 the rows in V0..V3 times the elements of V31.
#define AXPY4 \
	FMULE(0, 31, 0, 0) \
	FMULE(1, 31, 1, 1) \
	FMLAE(2, 31, 2, 0) \
	FMLAE(3, 31, 3, 1) \
	FADD(1, 0, 0)      \
	FADD(0, 4, 4)

// dst += the sum of s[r] a[r stride + i] over four rows, in R1..R4.
//
// func axpy4Vector(dst, a *float32, stride, n int, s *[4]float32)
TEXT ·axpy4Vector(SB), NOSPLIT, $0-40
	MOVD dst+0(FP), R0
	MOVD a+8(FP), R1
	MOVD stride+16(FP), R4
	MOVD n+24(FP), R5
	MOVD s+32(FP), R6
	ADD  R4<<2, R1, R2
	ADD  R4<<2, R2, R3
	ADD  R4<<2, R3, R4
	FMOVQ (R6), F31
	SUBS $4, R5
	BLT  rest

loop:
	FMOVQ.P 16(R1), F0
	FMOVQ.P 16(R2), F1
	FMOVQ.P 16(R3), F2
	FMOVQ.P 16(R4), F3
	FMOVQ   (R0), F4
	AXPY4
	FMOVQ.P F4, 16(R0)
	SUBS $4, R5
	BGE  loop

rest:
	ADDS $4, R5
	BEQ  done

one:
	FMOVS.P 4(R1), F0
	FMOVS.P 4(R2), F1
	FMOVS.P 4(R3), F2
	FMOVS.P 4(R4), F3
	FMOVS   (R0), F4
	AXPY4
	FMOVS.P F4, 4(R0)
	SUBS $1, R5
	BNE  one

done:
	RET

// ADAMW: p V0, m V1, v V2, g V3 with adamWConsts: scale, decay, beta1 and rest1
// in V28, beta2, rest2, rootC2 and eps in V29, rate in V30; rootC2 and eps alone
// in V26 and V27.
#define ADAMW \
	FMULE(0, 28, 3, 3) \
	FMULE(2, 28, 1, 1) \
	FMLAE(3, 28, 3, 1) \
	FMUL(3, 3, 4)      \
	FMULE(0, 29, 2, 2) \
	FMLAE(1, 29, 4, 2) \
	FSQRT(2, 4)        \
	FDIV(26, 4, 4)     \
	FADD(27, 4, 4)     \
	FMULE(0, 30, 1, 5) \
	FDIV(4, 5, 5)      \
	FMULE(1, 28, 0, 0) \
	FSUB(5, 0, 0)

// func adamWVector(p, m, v, grad *float32, n int, k *adamWConsts)
TEXT ·adamWVector(SB), NOSPLIT, $0-48
	MOVD  p+0(FP), R0
	MOVD  m+8(FP), R2
	MOVD  v+16(FP), R3
	MOVD  grad+24(FP), R4
	MOVD  n+32(FP), R5
	MOVD  k+40(FP), R6
	FMOVQ adamWConsts_scale(R6), F28
	FMOVQ adamWConsts_beta2(R6), F29
	FMOVS adamWConsts_rate(R6), F30
	VDUP  V29.S[2], V26.S4
	VDUP  V29.S[3], V27.S4
	SUBS  $4, R5
	BLT   rest

loop:
	FMOVQ (R0), F0
	FMOVQ (R2), F1
	FMOVQ (R3), F2
	FMOVQ.P 16(R4), F3
	ADAMW
	FMOVQ.P F0, 16(R0)
	FMOVQ.P F1, 16(R2)
	FMOVQ.P F2, 16(R3)
	SUBS $4, R5
	BGE  loop

rest:
	ADDS $4, R5
	BEQ  done

one:
	FMOVS (R0), F0
	FMOVS (R2), F1
	FMOVS (R3), F2
	FMOVS.P 4(R4), F3
	ADAMW
	FMOVS.P F0, 4(R0)
	FMOVS.P F1, 4(R2)
	FMOVS.P F2, 4(R3)
	SUBS $1, R5
	BNE  one

done:
	RET

DATA iota<>+0(SB)/8, $0x0000000100000000
DATA iota<>+8(SB)/8, $0x0000000300000002
GLOBL iota<>(SB), RODATA|NOPTR, $16

// DROPOUT: V0 = V0 factor where the hash of the counters in V10 is not below
// the bound, else 0. V11 = hash of the seed, V12 = bound, V13 = factor; V14, V15
// and V16 = multipliers and summand of the hash, V17 = -4. See kernels.Hash.
#define DROPOUT \
	VADD  V11.S4, V10.S4, V1.S4   \
	MUL(14, 1, 1)                 \
	VADD  V16.S4, V1.S4, V1.S4    \
	VUSHR $28, V1.S4, V2.S4       \
	VSUB  V2.S4, V17.S4, V2.S4    \
	USHL(2, 1, 2)                 \
	VEOR  V2.B16, V1.B16, V1.B16  \
	MUL(15, 1, 1)                 \
	VUSHR $22, V1.S4, V2.S4       \
	VEOR  V2.B16, V1.B16, V1.B16  \
	CMHI(1, 12, 1)                \
	FMULE(0, 13, 0, 0)            \
	BIC(1, 0, 0)

#define EACHINT(value, v) \
	MOVW value, R7 \
	VDUP R7, v.S4

// func dropoutVector(dst, a *float32, n int, seed, counter, below uint32, factor float32)
TEXT ·dropoutVector(SB), NOSPLIT, $0-40
	ARGS1
	EACHINT(seed+24(FP), V11)
	EACHINT(counter+28(FP), V10)
	EACHINT(below+32(FP), V12)
	SCALAR(factor+36(FP), F13)
	EACHINT($747796405, V14)
	EACHINT($277803737, V15)
	EACHINT($2891336453, V16)
	EACHINT($-4, V17)
	EACHINT($4, V18)
	EACHINT($1, V19)
	MOVD $iota<>(SB), R6
	FMOVQ (R6), F1
	VADD V1.S4, V10.S4, V10.S4
	SUBS $4, R5
	BLT  rest

loop:
	FMOVQ.P 16(R2), F0
	DROPOUT
	VADD V18.S4, V10.S4, V10.S4
	FMOVQ.P F0, 16(R0)
	SUBS $4, R5
	BGE  loop

rest:
	ADDS $4, R5
	BEQ  done

one:
	FMOVS.P 4(R2), F0
	DROPOUT
	VADD V19.S4, V10.S4, V10.S4
	FMOVS.P F0, 4(R0)
	SUBS $1, R5
	BNE  one

done:
	RET
