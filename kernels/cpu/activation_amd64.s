//go:build amd64 && !purego

#include "textflag.h"
#include "vec_amd64.h"

// Exponential and error functions, activations and their gradients.

CONST8(one, $1.0)
CONST8(half, $0.5)
CONST8(two5, $0.25)
CONST8(four, $4.0)
CONST8(negfour, $-4.0)
CONST8(fifteen, $15.0)
CONST8(exphi, $89.0)
CONST8(explo, $-104.0)
CONST8(log2e, $1.44269504088896341)
CONST8(ln2hi, $0.693359375)
CONST8(ln2lo, $-2.12194440e-4)
CONST8(exp5, $1.9875691500e-4)
CONST8(exp4, $1.3981999507e-3)
CONST8(exp3, $8.3334519073e-3)
CONST8(exp2, $4.1665795894e-2)
CONST8(exp1, $1.6666665459e-1)
CONST8(exp0, $5.0000001201e-1)
CONST8(erfa6, $-2.72614225801306e-10)
CONST8(erfa5, $2.77068142495902e-08)
CONST8(erfa4, $-2.10102402082508e-06)
CONST8(erfa3, $-5.69250639462346e-05)
CONST8(erfa2, $-7.34990630326855e-04)
CONST8(erfa1, $-2.95459980854025e-03)
CONST8(erfa0, $-1.60960333262415e-02)
CONST8(erfb4, $-1.45660718464996e-05)
CONST8(erfb3, $-2.13374055278905e-04)
CONST8(erfb2, $-1.68282697438203e-03)
CONST8(erfb1, $-7.37332916720468e-03)
CONST8(erfb0, $-1.42647390514189e-02)
CONST8(rsqrt2, $0.70710678118654752)
CONST8(rsqrt2pi, $0.39894228040143268)
CONST8(bias127, $127)
CONST8(signbit, $0x80000000)
CONST8(absbits, $0x7fffffff)

// EXPCONSTS loads the bounds that EXP clamps to.
#define EXPCONSTS \
	VMOVUPS exphi<>(SB), Y13 \
	VMOVUPS explo<>(SB), Y14

// EXP is Y0 = exp(Y0) to 1e-7, clobbering Y1..Y3, with Y13 and Y14 set by
// EXPCONSTS. The argument is clamped where the result overflows or vanishes; a
// NaN stays (VMINPS and VMAXPS give their second source when one is NaN). Then
// exp(x) = 2^n exp(r), |r| <= ln(2)/2, with the polynomial of Cephes' expf for
// exp(r). 2^n comes in two factors, to reach infinity and denormals.
#define EXP \
	VMINPS Y0, Y13, Y0                \
	VMAXPS Y0, Y14, Y0                \
	VMULPS log2e<>(SB), Y0, Y1        \
	VROUNDPS $0, Y1, Y1               \
	VFNMADD231PS ln2hi<>(SB), Y1, Y0  \
	VFNMADD231PS ln2lo<>(SB), Y1, Y0  \
	VCVTPS2DQ Y1, Y1                  \
	VMOVUPS exp5<>(SB), Y2            \
	VFMADD213PS exp4<>(SB), Y0, Y2    \
	VFMADD213PS exp3<>(SB), Y0, Y2    \
	VFMADD213PS exp2<>(SB), Y0, Y2    \
	VFMADD213PS exp1<>(SB), Y0, Y2    \
	VFMADD213PS exp0<>(SB), Y0, Y2    \
	VMULPS Y0, Y0, Y3                 \
	VFMADD213PS Y0, Y3, Y2            \
	VADDPS one<>(SB), Y2, Y2          \
	VPSRAD $1, Y1, Y3                 \
	VPSUBD Y3, Y1, Y1                 \
	VPADDD bias127<>(SB), Y3, Y3      \
	VPSLLD $23, Y3, Y3                \
	VPADDD bias127<>(SB), Y1, Y1      \
	VPSLLD $23, Y1, Y1                \
	VMULPS Y3, Y2, Y2                 \
	VMULPS Y1, Y2, Y0

// ONEPLUSEXP is Y0 = 1 + exp(-Y0).
#define ONEPLUSEXP \
	VXORPS signbit<>(SB), Y0, Y0 \
	EXP                          \
	VADDPS one<>(SB), Y0, Y0

// SIGM is Y0 = sigmoid(Y0).
#define SIGM \
	ONEPLUSEXP             \
	VMOVUPS one<>(SB), Y1  \
	VDIVPS  Y0, Y1, Y0

#define SCALEDEXP \
	VSUBPS Y11, Y0, Y0 \
	VMULPS Y12, Y0, Y0 \
	EXP

// exp((a - t) s), t in Y11, s in Y12
//
// func expVector(dst, a *float32, n int, t, s float32)
TEXT ·expVector(SB), NOSPLIT, $0-32
	ARGS1
	VBROADCASTSS t+24(FP), Y11
	VBROADCASTSS s+28(FP), Y12
	EXPCONSTS
	MAP1(SCALEDEXP)

// func sigmoidVector(dst, a *float32, n int)
TEXT ·sigmoidVector(SB), NOSPLIT, $0-24
	ARGS1
	EXPCONSTS
	MAP1(SIGM)

#define SILU \
	VMOVAPS Y0, Y4     \
	ONEPLUSEXP         \
	VDIVPS Y0, Y4, Y0

// func siluVector(dst, a *float32, n int)
TEXT ·siluVector(SB), NOSPLIT, $0-24
	ARGS1
	EXPCONSTS
	MAP1(SILU)

// RELU in Y0 keeps NaN; Y14 = 0.
#define RELU VMAXPS Y0, Y14, Y0

// func reluVector(dst, a *float32, n int)
TEXT ·reluVector(SB), NOSPLIT, $0-24
	ARGS1
	VXORPS Y14, Y14, Y14
	MAP1(RELU)

// ERF is Y0 = erf(Y0) to 4 ULP, clobbering Y1..Y4, with 4 in Y11 and -4 in
// Y12: a quotient of polynomials on [-4, 4] (Eigen's coefficients), +-1 beyond.
#define ERF \
	VMINPS Y0, Y11, Y1                 \
	VMAXPS Y1, Y12, Y1                 \
	VMULPS Y1, Y1, Y2                  \
	VMOVUPS erfa6<>(SB), Y3            \
	VFMADD213PS erfa5<>(SB), Y2, Y3    \
	VFMADD213PS erfa4<>(SB), Y2, Y3    \
	VFMADD213PS erfa3<>(SB), Y2, Y3    \
	VFMADD213PS erfa2<>(SB), Y2, Y3    \
	VFMADD213PS erfa1<>(SB), Y2, Y3    \
	VFMADD213PS erfa0<>(SB), Y2, Y3    \
	VMULPS Y1, Y3, Y3                  \
	VMOVUPS erfb4<>(SB), Y4            \
	VFMADD213PS erfb3<>(SB), Y2, Y4    \
	VFMADD213PS erfb2<>(SB), Y2, Y4    \
	VFMADD213PS erfb1<>(SB), Y2, Y4    \
	VFMADD213PS erfb0<>(SB), Y2, Y4    \
	VDIVPS Y4, Y3, Y0                  \
	VANDPS absbits<>(SB), Y1, Y2       \
	VCMPPS $0, Y11, Y2, Y2             \
	VMULPS two5<>(SB), Y1, Y1          \
	VBLENDVPS Y2, Y1, Y0, Y0

#define ERFCONSTS \
	VMOVUPS four<>(SB), Y11    \
	VMOVUPS negfour<>(SB), Y12

// NORMALCDF is Y0 = (1 + erf(Y0 / sqrt 2)) / 2.
#define NORMALCDF \
	VMULPS rsqrt2<>(SB), Y0, Y0 \
	ERF                         \
	VADDPS one<>(SB), Y0, Y0    \
	VMULPS half<>(SB), Y0, Y0

#define GELU \
	VMOVAPS Y0, Y5     \
	NORMALCDF          \
	VMULPS Y5, Y0, Y0

// func geluVector(dst, a *float32, n int)
TEXT ·geluVector(SB), NOSPLIT, $0-24
	ARGS1
	ERFCONSTS
	MAP1(GELU)

#define RELUBACK \
	VCMPPS $30, Y14, Y0, Y0 \
	VANDPS Y0, Y10, Y0      \
	VMULPS Y1, Y0, Y0

// dst = b where a > 0 (else b times 0); Y14 = 0, Y10 = 1
//
// func reluBackVector(dst, a, b *float32, n int)
TEXT ·reluBackVector(SB), NOSPLIT, $0-32
	ARGS2
	VXORPS  Y14, Y14, Y14
	VMOVUPS one<>(SB), Y10
	MAP2(RELUBACK)

#define GELUBACK \
	VMOVAPS Y0, Y5                \
	VMOVAPS Y1, Y6                \
	NORMALCDF                     \
	VMOVAPS Y0, Y7                \
	VMULPS  Y5, Y5, Y0            \
	VMULPS  Y10, Y0, Y0           \
	EXP                           \
	VMULPS  rsqrt2pi<>(SB), Y0, Y0 \
	VFMADD213PS Y7, Y5, Y0        \
	VMULPS  Y6, Y0, Y0

// dst = b (Phi(a) + a phi(a)); Y10 = -1/2
//
// func geluBackVector(dst, a, b *float32, n int)
TEXT ·geluBackVector(SB), NOSPLIT, $0-32
	ARGS2
	ERFCONSTS
	EXPCONSTS
	VMOVUPS half<>(SB), Y10
	VXORPS  signbit<>(SB), Y10, Y10
	MAP2(GELUBACK)

// SILUGRAD: from x in Y4, s = sigmoid(x) in Y0, Y0 = s (1 + x (1 - s)).
#define SILUGRAD \
	VSUBPS Y0, Y10, Y1        \
	VFMADD213PS Y10, Y4, Y1   \
	VMULPS Y1, Y0, Y0

#define SILUBACK \
	VMOVAPS Y0, Y4     \
	VMOVAPS Y1, Y5     \
	SIGM               \
	SILUGRAD           \
	VMULPS Y5, Y0, Y0

// dst = b silu'(a); Y10 = 1
//
// func siluBackVector(dst, a, b *float32, n int)
TEXT ·siluBackVector(SB), NOSPLIT, $0-32
	ARGS2
	EXPCONSTS
	VMOVUPS one<>(SB), Y10
	MAP2(SILUBACK)

#define SIGMBACK \
	VSUBPS Y0, Y10, Y2 \
	VMULPS Y2, Y0, Y0  \
	VMULPS Y1, Y0, Y0

// dst = b a (1 - a); Y10 = 1
//
// func sigmoidBackVector(dst, a, b *float32, n int)
TEXT ·sigmoidBackVector(SB), NOSPLIT, $0-32
	ARGS2
	VMOVUPS one<>(SB), Y10
	MAP2(SIGMBACK)

#define TRUNCEXPBACK \
	VMOVAPS Y1, Y4      \
	VMINPS  Y0, Y10, Y0 \
	EXP                 \
	VMULPS  Y4, Y0, Y0

// dst = b exp(min(a, 15)); Y10 = 15
//
// func truncExpBackVector(dst, a, b *float32, n int)
TEXT ·truncExpBackVector(SB), NOSPLIT, $0-32
	ARGS2
	EXPCONSTS
	VMOVUPS fifteen<>(SB), Y10
	MAP2(TRUNCEXPBACK)

#define SWIGLU \
	VMOVAPS Y1, Y5     \
	SILU               \
	VMULPS Y5, Y0, Y0

// dst = silu(a) b
//
// func swigluVector(dst, a, b *float32, n int)
TEXT ·swigluVector(SB), NOSPLIT, $0-32
	ARGS2
	EXPCONSTS
	MAP2(SWIGLU)

// SWIGLUBACK: gate Y0, up Y1, dy Y2 to dgate Y0, dup Y6.
#define SWIGLUBACK \
	VMOVAPS Y0, Y4     \
	VMULPS  Y2, Y1, Y5 \
	VMOVAPS Y2, Y7     \
	SIGM               \
	VMULPS  Y4, Y0, Y6 \
	VMULPS  Y7, Y6, Y6 \
	SILUGRAD           \
	VMULPS  Y5, Y0, Y0

// dgate = dy up silu'(gate), dup = dy silu(gate); Y10 = 1
//
// func swigluBackVector(dgate, dup, gate, up, dy *float32, n int)
TEXT ·swigluBackVector(SB), NOSPLIT, $0-48
	MOVQ dgate+0(FP), DI
	MOVQ dup+8(FP), DX
	MOVQ gate+16(FP), SI
	MOVQ up+24(FP), R8
	MOVQ dy+32(FP), R9
	MOVQ n+40(FP), CX
	EXPCONSTS
	VMOVUPS one<>(SB), Y10
	SUBQ $8, CX
	JL   tail

loop:
	VMOVUPS (SI), Y0
	VMOVUPS (R8), Y1
	VMOVUPS (R9), Y2
	SWIGLUBACK
	VMOVUPS Y0, (DI)
	VMOVUPS Y6, (DX)
	ADDQ $32, SI
	ADDQ $32, R8
	ADDQ $32, R9
	ADDQ $32, DI
	ADDQ $32, DX
	SUBQ $8, CX
	JGE  loop

tail:
	ADDQ $8, CX
	JZ   done
	MASK
	VMASKMOVPS (SI), Y15, Y0
	VMASKMOVPS (R8), Y15, Y1
	VMASKMOVPS (R9), Y15, Y2
	SWIGLUBACK
	VMASKMOVPS Y0, Y15, (DI)
	VMASKMOVPS Y6, Y15, (DX)

done:
	VZEROUPPER
	RET
