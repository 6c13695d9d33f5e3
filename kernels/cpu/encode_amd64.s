//go:build amd64 && !purego

#include "textflag.h"
#include "vec_amd64.h"

CONST8(one, $1.0)
CONST8(half, $0.5)
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

// SINCOSPI sets Y8 and Y9 to sin and cos of pi Y0. Y0 is what u 2^k, an exact
// product, is; its remainder modulo 2 is exact too. With q its nearest multiple
// of 1/2 and t the rest, |t| <= 1/4, the Taylor series of sin(pi t) and
// cos(pi t) are swapped for odd q. Sine is negative for q = 2, 3; cosine for
// q = 1, 2.
//
//   Y0 t, Y1 q, Y2 t^2, Y5 sine, Y6 cosine
#define SINCOSPI \
	VMULPS half<>(SB), Y0, Y1       \
	VROUNDPS $0, Y1, Y1             \
	VFNMADD231PS two<>(SB), Y1, Y0  \
	VADDPS Y0, Y0, Y1               \
	VROUNDPS $0, Y1, Y1             \
	VFNMADD231PS half<>(SB), Y1, Y0 \
	VCVTPS2DQ Y1, Y1                \
	VMULPS Y0, Y0, Y2               \
	VMOVUPS sin4<>(SB), Y5          \
	VFMADD213PS sin3<>(SB), Y2, Y5  \
	VFMADD213PS sin2<>(SB), Y2, Y5  \
	VFMADD213PS sin1<>(SB), Y2, Y5  \
	VFMADD213PS pi<>(SB), Y2, Y5    \
	VMULPS Y0, Y5, Y5               \
	VMOVUPS cos5<>(SB), Y6          \
	VFMADD213PS cos4<>(SB), Y2, Y6  \
	VFMADD213PS cos3<>(SB), Y2, Y6  \
	VFMADD213PS cos2<>(SB), Y2, Y6  \
	VFMADD213PS cos1<>(SB), Y2, Y6  \
	VFMADD213PS one<>(SB), Y2, Y6   \
	VPSLLD $31, Y1, Y7              \
	VBLENDVPS Y7, Y6, Y5, Y8        \
	VBLENDVPS Y7, Y5, Y6, Y9        \
	VPAND inttwo<>(SB), Y1, Y7      \
	VPSLLD $30, Y7, Y7              \
	VPXOR Y7, Y8, Y8                \
	VPADDD intone<>(SB), Y1, Y7     \
	VPAND inttwo<>(SB), Y7, Y7      \
	VPSLLD $30, Y7, Y7              \
	VPXOR Y7, Y9, Y9

// Writes sin and cos of pi u scale[k] alternately for each of n elements u,
// octaves of them, in blocks of 8: the last block of an element may write past
// its end.
//
//   R10 octaves left, R11 scale at the current octave, Y4 u
//
// func encodeVector(dst, u *float32, n, octaves int, scale *float32)
TEXT ·encodeVector(SB), NOSPLIT, $0-40
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
	SINCOSPI
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

// Writes sin and cos of pi 2^k u for k < octaves as columns, stride elements
// apart, for each of n elements u, a multiple of 8.
//
//   R10 octaves left, Y4 2^k, R11, R12 the columns of sine and cosine
//
// func encodeColumnsAVX2(dst *float32, stride int, u *float32, n, octaves int)
TEXT ·encodeColumnsAVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ stride+8(FP), R8
	MOVQ u+16(FP), SI
	MOVQ n+24(FP), R9
	MOVQ octaves+32(FP), R10
	SHLQ $2, R8
	SHLQ $2, R9
	VMOVUPS one<>(SB), Y4

octave:
	LEAQ (DI)(R8*1), R12
	XORQ AX, AX

points:
	VMULPS (SI)(AX*1), Y4, Y0
	SINCOSPI
	VMOVUPS Y8, (DI)(AX*1)
	VMOVUPS Y9, (R12)(AX*1)
	ADDQ $32, AX
	CMPQ AX, R9
	JLT  points
	LEAQ (DI)(R8*2), DI
	VADDPS Y4, Y4, Y4
	DECQ R10
	JNZ  octave
	VZEROUPPER
	RET
