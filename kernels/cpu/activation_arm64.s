//go:build arm64 && !purego

#include "textflag.h"
#include "neon_arm64.h"
#include "vec_arm64.h"
#include "exp_arm64.h"

// Activations and their gradients.

// ONEPLUSEXP is V0 = 1 + exp(-V0), SIGM V0 = sigmoid(V0).
#define ONEPLUSEXP \
	FNEG(0, 0)      \
	EXP             \
	FADD(27, 0, 0)

#define SIGM \
	ONEPLUSEXP      \
	FDIV(0, 27, 0)

// func sigmoidVector(dst, a *float32, n int)
TEXT ·sigmoidVector(SB), NOSPLIT, $0-24
	ARGS1
	CONSTS
	MAP1(SIGM)

#define SILU \
	VMOV V0.B16, V4.B16 \
	ONEPLUSEXP          \
	FDIV(0, 4, 0)

// func siluVector(dst, a *float32, n int)
TEXT ·siluVector(SB), NOSPLIT, $0-24
	ARGS1
	CONSTS
	MAP1(SILU)

// RELU keeps NaN; V31 = 0.
#define RELU(a) FMAX(31, a, a)

// func reluVector(dst, a *float32, n int)
TEXT ·reluVector(SB), NOSPLIT, $0-24
	ARGS1
	VEOR V31.B16, V31.B16, V31.B16
	WIDE1(RELU)

// ERF is V0 = erf(V0) to 4 ULP, clobbering V1..V4: a quotient of polynomials on
// [-4, 4] (Eigen's coefficients), +-1 beyond.
#define ERF \
	FMIN(29, 0, 1)       \
	FMAX(28, 1, 1)       \
	FMUL(1, 1, 2)        \
	FMOVQ 0xf0(R6), F3   \
	FMOVQ 0x100(R6), F4  \
	FMLA(3, 2, 4)        \
	FMOVQ 0x110(R6), F3  \
	FMLA(4, 2, 3)        \
	FMOVQ 0x120(R6), F4  \
	FMLA(3, 2, 4)        \
	FMOVQ 0x130(R6), F3  \
	FMLA(4, 2, 3)        \
	FMOVQ 0x140(R6), F4  \
	FMLA(3, 2, 4)        \
	FMOVQ 0x150(R6), F3  \
	FMLA(4, 2, 3)        \
	FMUL(1, 3, 3)        \
	FMOVQ 0x160(R6), F4  \
	FMOVQ 0x170(R6), F0  \
	FMLA(4, 2, 0)        \
	FMOVQ 0x180(R6), F4  \
	FMLA(0, 2, 4)        \
	FMOVQ 0x190(R6), F0  \
	FMLA(4, 2, 0)        \
	FMOVQ 0x1a0(R6), F4  \
	FMLA(0, 2, 4)        \
	FDIV(4, 3, 0)        \
	FABS(1, 2)           \
	FCMEQ(29, 2, 2)      \
	FMULE(3, 21, 1, 1)   \
	VBIT V2.B16, V1.B16, V0.B16

// NORMALCDF is V0 = (1 + erf(V0 / sqrt 2)) / 2.
#define NORMALCDF \
	FMULE(0, 21, 0, 0) \
	ERF                \
	FADD(27, 0, 0)     \
	FMULE(1, 21, 0, 0)

#define GELU \
	VMOV V0.B16, V5.B16 \
	NORMALCDF           \
	FMUL(5, 0, 0)

// func geluVector(dst, a *float32, n int)
TEXT ·geluVector(SB), NOSPLIT, $0-24
	ARGS1
	CONSTS
	MAP1(GELU)

#define RELUBACK \
	FCMGT(31, 0, 0)               \
	VAND V0.B16, V30.B16, V0.B16  \
	FMUL(1, 0, 0)

// dst = b where a > 0 (else b times 0); V31 = 0, V30 = 1
//
// func reluBackVector(dst, a, b *float32, n int)
TEXT ·reluBackVector(SB), NOSPLIT, $0-32
	ARGS2
	VEOR  V31.B16, V31.B16, V31.B16
	FMOVS $1.0, F30
	VDUP  V30.S[0], V30.S4
	MAP2(RELUBACK)

#define GELUBACK \
	VMOV V0.B16, V5.B16 \
	VMOV V1.B16, V6.B16 \
	NORMALCDF           \
	VMOV V0.B16, V7.B16 \
	FMUL(5, 5, 0)       \
	FMULE(2, 21, 0, 0)  \
	EXP                 \
	FMULE(0, 22, 0, 0)  \
	FMLA(0, 5, 7)       \
	FMUL(6, 7, 0)

// dst = b (Phi(a) + a phi(a))
//
// func geluBackVector(dst, a, b *float32, n int)
TEXT ·geluBackVector(SB), NOSPLIT, $0-32
	ARGS2
	CONSTS
	MAP2(GELUBACK)

// SILUGRAD: from x in V4, s = sigmoid(x) in V0, V0 = s (1 + x (1 - s)).
#define SILUGRAD \
	FSUB(0, 27, 1)       \
	VMOV V27.B16, V2.B16 \
	FMLA(1, 4, 2)        \
	FMUL(2, 0, 0)

#define SILUBACK \
	VMOV V0.B16, V4.B16 \
	VMOV V1.B16, V5.B16 \
	SIGM                \
	SILUGRAD            \
	FMUL(5, 0, 0)

// dst = b silu'(a)
//
// func siluBackVector(dst, a, b *float32, n int)
TEXT ·siluBackVector(SB), NOSPLIT, $0-32
	ARGS2
	CONSTS
	MAP2(SILUBACK)

#define SIGMBACK \
	FSUB(0, 27, 2) \
	FMUL(2, 0, 0)  \
	FMUL(1, 0, 0)

// dst = b a (1 - a)
//
// func sigmoidBackVector(dst, a, b *float32, n int)
TEXT ·sigmoidBackVector(SB), NOSPLIT, $0-32
	ARGS2
	CONSTS
	MAP2(SIGMBACK)

#define TRUNCEXPBACK \
	VMOV V1.B16, V4.B16 \
	FMIN(31, 0, 0)      \
	EXP                 \
	FMUL(4, 0, 0)

// dst = b exp(min(a, 15)); V31 = 15
//
// func truncExpBackVector(dst, a, b *float32, n int)
TEXT ·truncExpBackVector(SB), NOSPLIT, $0-32
	ARGS2
	CONSTS
	FMOVQ 0x1b0(R6), F31
	MAP2(TRUNCEXPBACK)

#define SWIGLU \
	VMOV V1.B16, V5.B16 \
	SILU                \
	FMUL(5, 0, 0)

// dst = silu(a) b
//
// func swigluVector(dst, a, b *float32, n int)
TEXT ·swigluVector(SB), NOSPLIT, $0-32
	ARGS2
	CONSTS
	MAP2(SWIGLU)

// SWIGLUBACK: gate V0, up V1, dy V2 to dgate V0, dup V6.
#define SWIGLUBACK \
	VMOV V0.B16, V4.B16 \
	FMUL(2, 1, 5)       \
	VMOV V2.B16, V7.B16 \
	SIGM                \
	FMUL(4, 0, 6)       \
	FMUL(7, 6, 6)       \
	SILUGRAD            \
	FMUL(5, 0, 0)

// dgate = dy up silu'(gate), dup = dy silu(gate)
//
// func swigluBackVector(dgate, dup, gate, up, dy *float32, n int)
TEXT ·swigluBackVector(SB), NOSPLIT, $0-48
	MOVD dgate+0(FP), R0
	MOVD dup+8(FP), R1
	MOVD gate+16(FP), R2
	MOVD up+24(FP), R3
	MOVD dy+32(FP), R4
	MOVD n+40(FP), R5
	CONSTS
	SUBS $4, R5
	BLT  rest

loop:
	FMOVQ.P 16(R2), F0
	FMOVQ.P 16(R3), F1
	FMOVQ.P 16(R4), F2
	SWIGLUBACK
	FMOVQ.P F0, 16(R0)
	FMOVQ.P F6, 16(R1)
	SUBS $4, R5
	BGE  loop

rest:
	ADDS $4, R5
	BEQ  done

one:
	FMOVS.P 4(R2), F0
	FMOVS.P 4(R3), F1
	FMOVS.P 4(R4), F2
	SWIGLUBACK
	FMOVS.P F0, 4(R0)
	FMOVS.P F6, 4(R1)
	SUBS $1, R5
	BNE  one

done:
	RET
