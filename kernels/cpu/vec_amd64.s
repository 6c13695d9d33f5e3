//go:build amd64 && !purego

#include "textflag.h"
#include "go_asm.h"

// Vector functions for AVX2 and FMA, 8 floats at a time. A rest of fewer than
// 8 is loaded and stored under a mask, so that an element's result does not
// depend on its place.
//
// Registers:
//   DI, DX      outputs
//   SI, R8, R9  inputs
//   CX          elements left
//   Y15         mask of the rest; otherwise free
//   Y10..Y14    constants and scalar arguments of the function at hand
//   Y0..Y9      values

// CONST8 is eight copies of a 4-byte constant.
#define CONST8(name, value) \
	DATA name<>+0(SB)/4, value  \
	DATA name<>+4(SB)/4, value  \
	DATA name<>+8(SB)/4, value  \
	DATA name<>+12(SB)/4, value \
	DATA name<>+16(SB)/4, value \
	DATA name<>+20(SB)/4, value \
	DATA name<>+24(SB)/4, value \
	DATA name<>+28(SB)/4, value \
	GLOBL name<>(SB), RODATA|NOPTR, $32

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
CONST8(two, $2.0)
CONST8(pi, $3.14159265358979324)
CONST8(sin1, $-5.16771278004997)
CONST8(sin2, $2.55016403987734)
CONST8(sin3, $-0.599264529320792)
CONST8(sin4, $0.0821458866111282)
CONST8(cos1, $-4.93480220054468)
CONST8(cos2, $4.05871212641677)
CONST8(cos3, $-1.33526276885459)
CONST8(cos4, $0.235330630358893)
CONST8(cos5, $-0.0258068913900141)
CONST8(intone, $1)
CONST8(inttwo, $2)
CONST8(pcgMul, $747796405)
CONST8(pcgAdd, $2891336453)
CONST8(pcgOut, $277803737)
CONST8(four32, $4)
CONST8(eight32, $8)
CONST8(bias127, $127)
CONST8(signbit, $0x80000000)
CONST8(absbits, $0x7fffffff)

DATA masks<>+0(SB)/8, $-1
DATA masks<>+8(SB)/8, $-1
DATA masks<>+16(SB)/8, $-1
DATA masks<>+24(SB)/8, $-1
DATA masks<>+32(SB)/8, $0
DATA masks<>+40(SB)/8, $0
DATA masks<>+48(SB)/8, $0
DATA masks<>+56(SB)/8, $0
GLOBL masks<>(SB), RODATA|NOPTR, $64

// MASK sets Y15 to select the first CX elements, 0 < CX < 8.
#define MASK \
	LEAQ masks<>+32(SB), AX \
	SHLQ $2, CX             \
	SUBQ CX, AX             \
	VMOVUPS (AX), Y15

// MAPk runs BODY, which computes Y0 from k inputs in Y0, Y1, Y2.
#define MAP1(BODY) \
	SUBQ $8, CX               \
	JL   tail                 \
loop:                         \
	VMOVUPS (SI), Y0          \
	BODY                      \
	VMOVUPS Y0, (DI)          \
	ADDQ $32, SI              \
	ADDQ $32, DI              \
	SUBQ $8, CX               \
	JGE  loop                 \
tail:                         \
	ADDQ $8, CX               \
	JZ   done                 \
	MASK                      \
	VMASKMOVPS (SI), Y15, Y0  \
	BODY                      \
	VMASKMOVPS Y0, Y15, (DI)  \
done:                         \
	VZEROUPPER                \
	RET

#define MAP2(BODY) \
	SUBQ $8, CX               \
	JL   tail                 \
loop:                         \
	VMOVUPS (SI), Y0          \
	VMOVUPS (R8), Y1          \
	BODY                      \
	VMOVUPS Y0, (DI)          \
	ADDQ $32, SI              \
	ADDQ $32, R8              \
	ADDQ $32, DI              \
	SUBQ $8, CX               \
	JGE  loop                 \
tail:                         \
	ADDQ $8, CX               \
	JZ   done                 \
	MASK                      \
	VMASKMOVPS (SI), Y15, Y0  \
	VMASKMOVPS (R8), Y15, Y1  \
	BODY                      \
	VMASKMOVPS Y0, Y15, (DI)  \
done:                         \
	VZEROUPPER                \
	RET

#define MAP3(BODY) \
	SUBQ $8, CX               \
	JL   tail                 \
loop:                         \
	VMOVUPS (SI), Y0          \
	VMOVUPS (R8), Y1          \
	VMOVUPS (R9), Y2          \
	BODY                      \
	VMOVUPS Y0, (DI)          \
	ADDQ $32, SI              \
	ADDQ $32, R8              \
	ADDQ $32, R9              \
	ADDQ $32, DI              \
	SUBQ $8, CX               \
	JGE  loop                 \
tail:                         \
	ADDQ $8, CX               \
	JZ   done                 \
	MASK                      \
	VMASKMOVPS (SI), Y15, Y0  \
	VMASKMOVPS (R8), Y15, Y1  \
	VMASKMOVPS (R9), Y15, Y2  \
	BODY                      \
	VMASKMOVPS Y0, Y15, (DI)  \
done:                         \
	VZEROUPPER                \
	RET

#define ARGS1 \
	MOVQ dst+0(FP), DI \
	MOVQ a+8(FP), SI   \
	MOVQ n+16(FP), CX

#define ARGS2 \
	MOVQ dst+0(FP), DI \
	MOVQ a+8(FP), SI   \
	MOVQ b+16(FP), R8  \
	MOVQ n+24(FP), CX

#define ARGS3 \
	MOVQ dst+0(FP), DI \
	MOVQ a+8(FP), SI   \
	MOVQ b+16(FP), R8  \
	MOVQ c+24(FP), R9  \
	MOVQ n+32(FP), CX

#define ADD VADDPS Y1, Y0, Y0
#define SUB VSUBPS Y1, Y0, Y0
#define MUL VMULPS Y1, Y0, Y0
#define DIV VDIVPS Y1, Y0, Y0
#define MULADD VFMADD213PS Y2, Y1, Y0
#define SUBSCALE \
	VSUBPS Y13, Y0, Y0 \
	VMULPS Y14, Y0, Y0
#define AXPY VFMADD231PS Y1, Y14, Y0

// func addAVX2(dst, a, b *float32, n int)
TEXT ·addAVX2(SB), NOSPLIT, $0-32
	ARGS2
	MAP2(ADD)

// func subAVX2(dst, a, b *float32, n int)
TEXT ·subAVX2(SB), NOSPLIT, $0-32
	ARGS2
	MAP2(SUB)

// func mulAVX2(dst, a, b *float32, n int)
TEXT ·mulAVX2(SB), NOSPLIT, $0-32
	ARGS2
	MAP2(MUL)

// func divAVX2(dst, a, b *float32, n int)
TEXT ·divAVX2(SB), NOSPLIT, $0-32
	ARGS2
	MAP2(DIV)

// dst = a b + c
//
// func mulAddAVX2(dst, a, b, c *float32, n int)
TEXT ·mulAddAVX2(SB), NOSPLIT, $0-40
	ARGS3
	MAP3(MULADD)

// dst = (a - t) s, t in Y13, s in Y14
//
// func subScaleAVX2(dst, a *float32, n int, t, s float32)
TEXT ·subScaleAVX2(SB), NOSPLIT, $0-32
	ARGS1
	VBROADCASTSS t+24(FP), Y13
	VBROADCASTSS s+28(FP), Y14
	MAP1(SUBSCALE)

// dst = a + b s, s in Y14
//
// func axpyAVX2(dst, a, b *float32, n int, s float32)
TEXT ·axpyAVX2(SB), NOSPLIT, $0-36
	ARGS2
	VBROADCASTSS s+32(FP), Y14
	MAP2(AXPY)

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
// func expAVX2(dst, a *float32, n int, t, s float32)
TEXT ·expAVX2(SB), NOSPLIT, $0-32
	ARGS1
	VBROADCASTSS t+24(FP), Y11
	VBROADCASTSS s+28(FP), Y12
	EXPCONSTS
	MAP1(SCALEDEXP)

// func sigmoidAVX2(dst, a *float32, n int)
TEXT ·sigmoidAVX2(SB), NOSPLIT, $0-24
	ARGS1
	EXPCONSTS
	MAP1(SIGM)

#define SILU \
	VMOVAPS Y0, Y4     \
	ONEPLUSEXP         \
	VDIVPS Y0, Y4, Y0

// func siluAVX2(dst, a *float32, n int)
TEXT ·siluAVX2(SB), NOSPLIT, $0-24
	ARGS1
	EXPCONSTS
	MAP1(SILU)

// RELU in Y0 keeps NaN; Y14 = 0.
#define RELU VMAXPS Y0, Y14, Y0

// func reluAVX2(dst, a *float32, n int)
TEXT ·reluAVX2(SB), NOSPLIT, $0-24
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

// func geluAVX2(dst, a *float32, n int)
TEXT ·geluAVX2(SB), NOSPLIT, $0-24
	ARGS1
	ERFCONSTS
	MAP1(GELU)

#define RELUBACK \
	VCMPPS $30, Y14, Y0, Y0 \
	VANDPS Y0, Y10, Y0      \
	VMULPS Y1, Y0, Y0

// dst = b where a > 0 (else b times 0); Y14 = 0, Y10 = 1
//
// func reluBackAVX2(dst, a, b *float32, n int)
TEXT ·reluBackAVX2(SB), NOSPLIT, $0-32
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
// func geluBackAVX2(dst, a, b *float32, n int)
TEXT ·geluBackAVX2(SB), NOSPLIT, $0-32
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
// func siluBackAVX2(dst, a, b *float32, n int)
TEXT ·siluBackAVX2(SB), NOSPLIT, $0-32
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
// func sigmoidBackAVX2(dst, a, b *float32, n int)
TEXT ·sigmoidBackAVX2(SB), NOSPLIT, $0-32
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
// func truncExpBackAVX2(dst, a, b *float32, n int)
TEXT ·truncExpBackAVX2(SB), NOSPLIT, $0-32
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
// func swigluAVX2(dst, a, b *float32, n int)
TEXT ·swigluAVX2(SB), NOSPLIT, $0-32
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
// func swigluBackAVX2(dgate, dup, gate, up, dy *float32, n int)
TEXT ·swigluBackAVX2(SB), NOSPLIT, $0-48
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

// Reductions take a multiple of 8 elements and keep four vectors of partial
// results in Y0..Y3.

// REDUCE runs WIDE for 32 elements at a time, then NARROW for 8.
#define REDUCE(WIDE, NARROW) \
	VXORPS Y0, Y0, Y0  \
	VXORPS Y1, Y1, Y1  \
	VXORPS Y2, Y2, Y2  \
	VXORPS Y3, Y3, Y3  \
	SUBQ $32, CX       \
	JL   narrow        \
wide:                  \
	WIDE               \
	ADDQ $128, SI      \
	ADDQ $128, R8      \
	SUBQ $32, CX       \
	JGE  wide          \
narrow:                \
	ADDQ $32, CX       \
	JZ   reduced       \
next:                  \
	NARROW             \
	ADDQ $32, SI       \
	ADDQ $32, R8       \
	SUBQ $8, CX        \
	JNZ  next          \
reduced:

// LANESUM adds Y0..Y3 into the lowest element of X0.
#define LANESUM \
	VADDPS Y1, Y0, Y0        \
	VADDPS Y3, Y2, Y2        \
	VADDPS Y2, Y0, Y0        \
	VEXTRACTF128 $1, Y0, X1  \
	VADDPS X1, X0, X0        \
	VHADDPS X0, X0, X0       \
	VHADDPS X0, X0, X0

#define SUM32 \
	VADDPS (SI), Y0, Y0    \
	VADDPS 32(SI), Y1, Y1  \
	VADDPS 64(SI), Y2, Y2  \
	VADDPS 96(SI), Y3, Y3
#define SUM8 VADDPS (SI), Y0, Y0

// func sumAVX2(a *float32, n int) float32
TEXT ·sumAVX2(SB), NOSPLIT, $0-20
	MOVQ a+0(FP), SI
	MOVQ n+8(FP), CX
	REDUCE(SUM32, SUM8)
	LANESUM
	VMOVSS X0, ret+16(FP)
	VZEROUPPER
	RET

#define DOT32 \
	VMOVUPS (SI), Y4            \
	VMOVUPS 32(SI), Y5          \
	VMOVUPS 64(SI), Y6          \
	VMOVUPS 96(SI), Y7          \
	VFMADD231PS (R8), Y4, Y0    \
	VFMADD231PS 32(R8), Y5, Y1  \
	VFMADD231PS 64(R8), Y6, Y2  \
	VFMADD231PS 96(R8), Y7, Y3
#define DOT8 \
	VMOVUPS (SI), Y4          \
	VFMADD231PS (R8), Y4, Y0

// func dotAVX2(a, b *float32, n int) float32
TEXT ·dotAVX2(SB), NOSPLIT, $0-28
	MOVQ a+0(FP), SI
	MOVQ b+8(FP), R8
	MOVQ n+16(FP), CX
	REDUCE(DOT32, DOT8)
	LANESUM
	VMOVSS X0, ret+24(FP)
	VZEROUPPER
	RET

#define DEV8 \
	VMOVUPS (SI), Y4          \
	VSUBPS Y14, Y4, Y4        \
	VFMADD231PS Y4, Y4, Y0
#define DEV32 \
	VMOVUPS (SI), Y4          \
	VMOVUPS 32(SI), Y5        \
	VMOVUPS 64(SI), Y6        \
	VMOVUPS 96(SI), Y7        \
	VSUBPS Y14, Y4, Y4        \
	VSUBPS Y14, Y5, Y5        \
	VSUBPS Y14, Y6, Y6        \
	VSUBPS Y14, Y7, Y7        \
	VFMADD231PS Y4, Y4, Y0    \
	VFMADD231PS Y5, Y5, Y1    \
	VFMADD231PS Y6, Y6, Y2    \
	VFMADD231PS Y7, Y7, Y3

// sum of (a - t)^2, t in Y14
//
// func deviationAVX2(a *float32, n int, t float32) float32
TEXT ·deviationAVX2(SB), NOSPLIT, $0-28
	MOVQ a+0(FP), SI
	MOVQ n+8(FP), CX
	VBROADCASTSS t+16(FP), Y14
	REDUCE(DEV32, DEV8)
	LANESUM
	VMOVSS X0, ret+24(FP)
	VZEROUPPER
	RET

// func maxAVX2(a *float32, n int) float32
TEXT ·maxAVX2(SB), NOSPLIT, $0-20
	MOVQ a+0(FP), SI
	MOVQ n+8(FP), CX
	VMOVUPS (SI), Y0

next:
	VMAXPS (SI), Y0, Y0
	ADDQ $32, SI
	SUBQ $8, CX
	JNZ  next
	VEXTRACTF128 $1, Y0, X1
	VMAXPS X1, X0, X0
	VPERMILPS $0x4e, X0, X1
	VMAXPS X1, X0, X0
	VPERMILPS $0xb1, X0, X1
	VMAXPS X1, X0, X0
	VMOVSS X0, ret+16(FP)
	VZEROUPPER
	RET

// ADAMW: p Y0, m Y1, v Y2, g Y3 with adamWConsts in Y6..Y14.
#define ADAMW \
	VMULPS Y6, Y3, Y3        \
	VMULPS Y8, Y1, Y1        \
	VFMADD231PS Y3, Y9, Y1   \
	VMULPS Y3, Y3, Y4        \
	VMULPS Y10, Y2, Y2       \
	VFMADD231PS Y4, Y11, Y2  \
	VSQRTPS Y2, Y4           \
	VDIVPS Y12, Y4, Y4       \
	VADDPS Y13, Y4, Y4       \
	VMULPS Y14, Y1, Y5       \
	VDIVPS Y4, Y5, Y5        \
	VMULPS Y7, Y0, Y0        \
	VSUBPS Y5, Y0, Y0

// func adamWAVX2(p, m, v, grad *float32, n int, k *adamWConsts)
TEXT ·adamWAVX2(SB), NOSPLIT, $0-48
	MOVQ p+0(FP), DI
	MOVQ m+8(FP), SI
	MOVQ v+16(FP), R8
	MOVQ grad+24(FP), R9
	MOVQ n+32(FP), CX
	MOVQ k+40(FP), AX
	VBROADCASTSS adamWConsts_scale(AX), Y6
	VBROADCASTSS adamWConsts_decay(AX), Y7
	VBROADCASTSS adamWConsts_beta1(AX), Y8
	VBROADCASTSS adamWConsts_rest1(AX), Y9
	VBROADCASTSS adamWConsts_beta2(AX), Y10
	VBROADCASTSS adamWConsts_rest2(AX), Y11
	VBROADCASTSS adamWConsts_rootC2(AX), Y12
	VBROADCASTSS adamWConsts_eps(AX), Y13
	VBROADCASTSS adamWConsts_rate(AX), Y14
	SUBQ $8, CX
	JL   tail

loop:
	VMOVUPS (DI), Y0
	VMOVUPS (SI), Y1
	VMOVUPS (R8), Y2
	VMOVUPS (R9), Y3
	ADAMW
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, (SI)
	VMOVUPS Y2, (R8)
	ADDQ $32, DI
	ADDQ $32, SI
	ADDQ $32, R8
	ADDQ $32, R9
	SUBQ $8, CX
	JGE  loop

tail:
	ADDQ $8, CX
	JZ   done
	MASK
	VMASKMOVPS (DI), Y15, Y0
	VMASKMOVPS (SI), Y15, Y1
	VMASKMOVPS (R8), Y15, Y2
	VMASKMOVPS (R9), Y15, Y3
	ADAMW
	VMASKMOVPS Y0, Y15, (DI)
	VMASKMOVPS Y1, Y15, (SI)
	VMASKMOVPS Y2, Y15, (R8)

done:
	VZEROUPPER
	RET

// Writes sin and cos of pi u scale[k] alternately for each of n elements u,
// octaves of them, in blocks of 8: the last block of an element may write past
// its end. u scale[k] is exact, and so is its remainder modulo 2. With q its
// nearest multiple of 1/2 and t the rest, |t| <= 1/4, the Taylor series of
// sin(pi t) and cos(pi t) are swapped for odd q and negated by quadrant.
//
//   R10 octaves left, R11 scale at the current octave, Y4 u
//   Y0 t, Y1 q, Y2 t^2, Y5 sine, Y6 cosine
//
// func encodeAVX2(dst, u *float32, n, octaves int, scale *float32)
TEXT ·encodeAVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ u+8(FP), SI
	MOVQ n+16(FP), CX
	MOVQ octaves+24(FP), BX
	MOVQ scale+32(FP), R8

element:
	VBROADCASTSS (SI), Y4
	MOVQ BX, R10
	MOVQ R8, R11
	MOVQ DI, DX

block:
	VMULPS (R11), Y4, Y0
	VMULPS half<>(SB), Y0, Y1
	VROUNDPS $0, Y1, Y1
	VFNMADD231PS two<>(SB), Y1, Y0
	VADDPS Y0, Y0, Y1
	VROUNDPS $0, Y1, Y1
	VFNMADD231PS half<>(SB), Y1, Y0
	VCVTPS2DQ Y1, Y1
	VMULPS Y0, Y0, Y2
	VMOVUPS sin4<>(SB), Y5
	VFMADD213PS sin3<>(SB), Y2, Y5
	VFMADD213PS sin2<>(SB), Y2, Y5
	VFMADD213PS sin1<>(SB), Y2, Y5
	VFMADD213PS pi<>(SB), Y2, Y5
	VMULPS Y0, Y5, Y5
	VMOVUPS cos5<>(SB), Y6
	VFMADD213PS cos4<>(SB), Y2, Y6
	VFMADD213PS cos3<>(SB), Y2, Y6
	VFMADD213PS cos2<>(SB), Y2, Y6
	VFMADD213PS cos1<>(SB), Y2, Y6
	VFMADD213PS one<>(SB), Y2, Y6

	// Odd q: swap.
	VPSLLD $31, Y1, Y7
	VBLENDVPS Y7, Y6, Y5, Y8
	VBLENDVPS Y7, Y5, Y6, Y9

	// Sine is negative for q = 2, 3; cosine for q = 1, 2.
	VPAND inttwo<>(SB), Y1, Y7
	VPSLLD $30, Y7, Y7
	VPXOR Y7, Y8, Y8
	VPADDD intone<>(SB), Y1, Y7
	VPAND inttwo<>(SB), Y7, Y7
	VPSLLD $30, Y7, Y7
	VPXOR Y7, Y9, Y9
	VUNPCKLPS Y9, Y8, Y0
	VUNPCKHPS Y9, Y8, Y1
	VPERM2F128 $0x20, Y1, Y0, Y2
	VPERM2F128 $0x31, Y1, Y0, Y3
	VMOVUPS Y2, (DX)
	VMOVUPS Y3, 32(DX)
	ADDQ $64, DX
	ADDQ $32, R11
	SUBQ $8, R10
	JG   block
	LEAQ (DI)(BX*8), DI
	ADDQ $4, SI
	DECQ CX
	JNZ  element
	VZEROUPPER
	RET

// Four scalar products at once: out[r] = sum of x[i] w[r stride + i].
//
//   SI x, R8 row 0 of w, R9 stride in bytes, R10 three strides
//   Y0..Y3 sums of even, Y4..Y7 of odd vectors
//
// func dot4AVX2(x, w *float32, stride, n int, out *float32)
TEXT ·dot4AVX2(SB), NOSPLIT, $0-40
	MOVQ x+0(FP), SI
	MOVQ w+8(FP), R8
	MOVQ stride+16(FP), R9
	MOVQ n+24(FP), CX
	MOVQ out+32(FP), DI
	SHLQ $2, R9
	LEAQ (R9)(R9*2), R10
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3
	VXORPS Y4, Y4, Y4
	VXORPS Y5, Y5, Y5
	VXORPS Y6, Y6, Y6
	VXORPS Y7, Y7, Y7
	SUBQ $16, CX
	JL   narrow

wide:
	VMOVUPS (SI), Y8
	VMOVUPS 32(SI), Y9
	VFMADD231PS (R8), Y8, Y0
	VFMADD231PS (R8)(R9*1), Y8, Y1
	VFMADD231PS (R8)(R9*2), Y8, Y2
	VFMADD231PS (R8)(R10*1), Y8, Y3
	VFMADD231PS 32(R8), Y9, Y4
	VFMADD231PS 32(R8)(R9*1), Y9, Y5
	VFMADD231PS 32(R8)(R9*2), Y9, Y6
	VFMADD231PS 32(R8)(R10*1), Y9, Y7
	ADDQ $64, SI
	ADDQ $64, R8
	SUBQ $16, CX
	JGE  wide

narrow:
	ADDQ $16, CX
	CMPQ CX, $8
	JL   tail
	VMOVUPS (SI), Y8
	VFMADD231PS (R8), Y8, Y0
	VFMADD231PS (R8)(R9*1), Y8, Y1
	VFMADD231PS (R8)(R9*2), Y8, Y2
	VFMADD231PS (R8)(R10*1), Y8, Y3
	ADDQ $32, SI
	ADDQ $32, R8
	SUBQ $8, CX

tail:
	TESTQ CX, CX
	JZ   add
	MASK
	VMASKMOVPS (SI), Y15, Y8
	VMASKMOVPS (R8), Y15, Y9
	VMASKMOVPS (R8)(R9*1), Y15, Y10
	VMASKMOVPS (R8)(R9*2), Y15, Y11
	VMASKMOVPS (R8)(R10*1), Y15, Y12
	VFMADD231PS Y9, Y8, Y0
	VFMADD231PS Y10, Y8, Y1
	VFMADD231PS Y11, Y8, Y2
	VFMADD231PS Y12, Y8, Y3

add:
	VADDPS Y4, Y0, Y0
	VADDPS Y5, Y1, Y1
	VADDPS Y6, Y2, Y2
	VADDPS Y7, Y3, Y3
	VHADDPS Y1, Y0, Y0
	VHADDPS Y3, Y2, Y2
	VHADDPS Y2, Y0, Y0
	VEXTRACTF128 $1, Y0, X1
	VADDPS X1, X0, X0
	VMOVUPS X0, (DI)
	VZEROUPPER
	RET

DATA iota<>+0(SB)/8, $0x0000000100000000
DATA iota<>+8(SB)/8, $0x0000000300000002
DATA iota<>+16(SB)/8, $0x0000000500000004
DATA iota<>+24(SB)/8, $0x0000000700000006
GLOBL iota<>(SB), RODATA|NOPTR, $32

// DROPOUT: Y0 = Y0 factor where the hash of the counters in Y10 is not below
// the bound, else 0; then the next counters. Y11 = hash of the seed, Y12 =
// bound with its top bit flipped (AVX2 compares signed), Y13 = the top bit,
// Y14 = factor. See kernels.Hash.
#define DROPOUT \
	VPADDD  Y11, Y10, Y1               \
	VPADDD  eight32<>(SB), Y10, Y10    \
	VPMULLD pcgMul<>(SB), Y1, Y1       \
	VPADDD  pcgAdd<>(SB), Y1, Y1       \
	VPSRLD  $28, Y1, Y2                \
	VPADDD  four32<>(SB), Y2, Y2       \
	VPSRLVD Y2, Y1, Y2                 \
	VPXOR   Y2, Y1, Y1                 \
	VPMULLD pcgOut<>(SB), Y1, Y1       \
	VPSRLD  $22, Y1, Y2                \
	VPXOR   Y2, Y1, Y1                 \
	VPXOR   Y13, Y1, Y1                \
	VPCMPGTD Y1, Y12, Y1               \
	VMULPS  Y14, Y0, Y0                \
	VANDNPS Y0, Y1, Y0

// func dropoutAVX2(dst, a *float32, n int, seed, counter, below uint32, factor float32)
TEXT ·dropoutAVX2(SB), NOSPLIT, $0-40
	ARGS1
	VBROADCASTSS seed+24(FP), Y11
	VBROADCASTSS counter+28(FP), Y10
	VPADDD       iota<>(SB), Y10, Y10
	VMOVUPS      signbit<>(SB), Y13
	VBROADCASTSS below+32(FP), Y12
	VPXOR        Y13, Y12, Y12
	VBROADCASTSS factor+36(FP), Y14
	MAP1(DROPOUT)

// Takes row into the running maximum best and its positions at: k where an
// element is larger, or the first NaN. n is a multiple of 8.
//
//   Y0 row, Y1 best, Y2 to be replaced, Y14 k
//
// func maxRowAVX2(best *float32, at *int32, row *float32, n int, k int32)
TEXT ·maxRowAVX2(SB), NOSPLIT, $0-36
	MOVQ best+0(FP), DI
	MOVQ at+8(FP), DX
	MOVQ row+16(FP), SI
	MOVQ n+24(FP), CX
	VBROADCASTSS k+32(FP), Y14

next:
	VMOVUPS (SI), Y0
	VMOVUPS (DI), Y1
	VCMPPS  $22, Y1, Y0, Y2
	VCMPPS  $7, Y1, Y1, Y3
	VANDPS  Y3, Y2, Y2
	VMASKMOVPS Y0, Y2, (DI)
	VPMASKMOVD Y14, Y2, (DX)
	ADDQ $32, SI
	ADDQ $32, DI
	ADDQ $32, DX
	SUBQ $8, CX
	JNZ  next
	VZEROUPPER
	RET

// Transposes 8 rows of a, 8 columns at a time: dst[c ds + r] = a[r as + c] for
// r < 8, c < 8 blocks.
//
//   SI, R8 rows 0 and 4 of a, R9 stride in bytes, R10 three strides
//   DI, DX rows 0 and 4 of dst, R11 stride in bytes, R12 three strides
//   Y0..Y7 and Y8..Y15 in turn the rows and their shuffles
//
// func transposeAVX2(dst *float32, ds int, a *float32, as, blocks int)
TEXT ·transposeAVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ ds+8(FP), R11
	MOVQ a+16(FP), SI
	MOVQ as+24(FP), R9
	MOVQ blocks+32(FP), CX
	SHLQ $2, R9
	SHLQ $2, R11
	LEAQ (R9)(R9*2), R10
	LEAQ (R11)(R11*2), R12
	LEAQ (SI)(R9*4), R8
	LEAQ (DI)(R11*4), DX
	MOVQ R11, R13
	SHLQ $3, R13

next:
	VMOVUPS (SI), Y0
	VMOVUPS (SI)(R9*1), Y1
	VMOVUPS (SI)(R9*2), Y2
	VMOVUPS (SI)(R10*1), Y3
	VMOVUPS (R8), Y4
	VMOVUPS (R8)(R9*1), Y5
	VMOVUPS (R8)(R9*2), Y6
	VMOVUPS (R8)(R10*1), Y7
	VUNPCKLPS Y1, Y0, Y8
	VUNPCKHPS Y1, Y0, Y9
	VUNPCKLPS Y3, Y2, Y10
	VUNPCKHPS Y3, Y2, Y11
	VUNPCKLPS Y5, Y4, Y12
	VUNPCKHPS Y5, Y4, Y13
	VUNPCKLPS Y7, Y6, Y14
	VUNPCKHPS Y7, Y6, Y15
	VSHUFPS $0x44, Y10, Y8, Y0
	VSHUFPS $0xee, Y10, Y8, Y1
	VSHUFPS $0x44, Y11, Y9, Y2
	VSHUFPS $0xee, Y11, Y9, Y3
	VSHUFPS $0x44, Y14, Y12, Y4
	VSHUFPS $0xee, Y14, Y12, Y5
	VSHUFPS $0x44, Y15, Y13, Y6
	VSHUFPS $0xee, Y15, Y13, Y7
	VPERM2F128 $0x20, Y4, Y0, Y8
	VPERM2F128 $0x20, Y5, Y1, Y9
	VPERM2F128 $0x20, Y6, Y2, Y10
	VPERM2F128 $0x20, Y7, Y3, Y11
	VPERM2F128 $0x31, Y4, Y0, Y12
	VPERM2F128 $0x31, Y5, Y1, Y13
	VPERM2F128 $0x31, Y6, Y2, Y14
	VPERM2F128 $0x31, Y7, Y3, Y15
	VMOVUPS Y8, (DI)
	VMOVUPS Y9, (DI)(R11*1)
	VMOVUPS Y10, (DI)(R11*2)
	VMOVUPS Y11, (DI)(R12*1)
	VMOVUPS Y12, (DX)
	VMOVUPS Y13, (DX)(R11*1)
	VMOVUPS Y14, (DX)(R11*2)
	VMOVUPS Y15, (DX)(R12*1)
	ADDQ $32, SI
	ADDQ $32, R8
	ADDQ R13, DI
	ADDQ R13, DX
	DECQ CX
	JNZ  next
	VZEROUPPER
	RET
