//go:build amd64 && !purego

#include "textflag.h"
#include "vec_amd64.h"

CONST8(one, $1.0)
CONST8(half, $0.5)
CONST8(two, $2.0)
CONST8(four, $4.0)
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

// SINCOSPI512 is SINCOSPI on Z registers, with the constants in Z10 to Z24.
#define SINCOSPI512 \
	VMULPS       Z10, Z0, Z1 \
	VRNDSCALEPS  $0, Z1, Z1 \
	VFNMADD231PS Z11, Z1, Z0 \
	VADDPS       Z0, Z0, Z1 \
	VRNDSCALEPS  $0, Z1, Z1 \
	VFNMADD231PS Z10, Z1, Z0 \
	VCVTPS2DQ    Z1, Z1 \
	VMULPS       Z0, Z0, Z2 \
	VMOVAPS      Z12, Z5 \
	VFMADD213PS  Z13, Z2, Z5 \
	VFMADD213PS  Z14, Z2, Z5 \
	VFMADD213PS  Z15, Z2, Z5 \
	VFMADD213PS  Z16, Z2, Z5 \
	VMULPS       Z0, Z5, Z5 \
	VMOVAPS      Z17, Z6 \
	VFMADD213PS  Z18, Z2, Z6 \
	VFMADD213PS  Z19, Z2, Z6 \
	VFMADD213PS  Z20, Z2, Z6 \
	VFMADD213PS  Z21, Z2, Z6 \
	VFMADD213PS  Z22, Z2, Z6 \
	VPTESTMD     Z23, Z1, K1 \
	VBLENDMPS    Z6, Z5, K1, Z8 \
	VBLENDMPS    Z5, Z6, K1, Z9 \
	VPSLLD       $30, Z1, Z7 \
	VPTERNLOGD   $0x78, Z24, Z7, Z8 \
	VPADDD       Z23, Z1, Z1 \
	VPSLLD       $30, Z1, Z7 \
	VPTERNLOGD   $0x78, Z24, Z7, Z9 // Z9 = Z9 ^ (Z7 & Z24)

// COLUMNS reads the arguments of the functions that write columns, COLUMNS4
// finds those of two octaves.
#define COLUMNS \
	MOVQ dst+0(FP), DI      \
	MOVQ stride+8(FP), R8   \
	MOVQ u+16(FP), SI       \
	MOVQ n+24(FP), R9       \
	MOVQ octaves+32(FP), R10 \
	SHLQ $2, R8             \
	SHLQ $2, R9

#define COLUMNS4 \
	LEAQ (DI)(R8*1), R12  \
	LEAQ (R12)(R8*1), R13 \
	LEAQ (R13)(R8*1), R14 \
	XORQ AX, AX

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

// The next two write sin and cos of pi 2^k u for k < octaves as columns, stride
// elements apart, for each of n elements u, a multiple of 16. Of two octaves the
// second comes from the first, sin 2x = 2 sin x cos x, cos 2x = 1 - 2 sin^2 x, which
// costs one more rounding.
//
//   R10 octaves left, Y4 2^k, DI, R12, R13, R14 the columns of two octaves

// func encodeColumnsAVX2(dst *float32, stride int, u *float32, n, octaves int)
TEXT ·encodeColumnsAVX2(SB), NOSPLIT, $0-40
	COLUMNS
	VMOVUPS one<>(SB), Y4
	VMOVUPS one<>(SB), Y3

octaves:
	COLUMNS4

points:
	VMULPS (SI)(AX*1), Y4, Y0
	SINCOSPI
	VMOVUPS Y8, (DI)(AX*1)
	VMOVUPS Y9, (R12)(AX*1)
	CMPQ    R10, $1
	JE      single
	VADDPS  Y8, Y8, Y0
	VMULPS  Y9, Y0, Y9
	VFNMADD213PS Y3, Y0, Y8
	VMOVUPS Y9, (R13)(AX*1)
	VMOVUPS Y8, (R14)(AX*1)

single:
	ADDQ $32, AX
	CMPQ AX, R9
	JLT  points
	LEAQ (DI)(R8*4), DI
	VMULPS four<>(SB), Y4, Y4
	SUBQ $2, R10
	JG   octaves
	VZEROUPPER
	RET

// func encodeColumnsAVX512(dst *float32, stride int, u *float32, n, octaves int)
TEXT ·encodeColumnsAVX512(SB), NOSPLIT, $0-40
	COLUMNS
	VBROADCASTSS half<>(SB), Z10
	VBROADCASTSS two<>(SB), Z11
	VBROADCASTSS sin4<>(SB), Z12
	VBROADCASTSS sin3<>(SB), Z13
	VBROADCASTSS sin2<>(SB), Z14
	VBROADCASTSS sin1<>(SB), Z15
	VBROADCASTSS pi<>(SB), Z16
	VBROADCASTSS cos5<>(SB), Z17
	VBROADCASTSS cos4<>(SB), Z18
	VBROADCASTSS cos3<>(SB), Z19
	VBROADCASTSS cos2<>(SB), Z20
	VBROADCASTSS cos1<>(SB), Z21
	VBROADCASTSS one<>(SB), Z22
	VBROADCASTSS intone<>(SB), Z23
	VPSLLD       $31, Z23, Z24
	VBROADCASTSS four<>(SB), Z25
	VMOVAPS      Z22, Z4

octaves:
	COLUMNS4

points:
	VMULPS (SI)(AX*1), Z4, Z0
	SINCOSPI512
	VMOVUPS Z8, (DI)(AX*1)
	VMOVUPS Z9, (R12)(AX*1)
	CMPQ    R10, $1
	JE      single
	VADDPS  Z8, Z8, Z0
	VMULPS  Z9, Z0, Z9
	VFNMADD213PS Z22, Z0, Z8
	VMOVUPS Z9, (R13)(AX*1)
	VMOVUPS Z8, (R14)(AX*1)

single:
	ADDQ $64, AX
	CMPQ AX, R9
	JLT  points
	LEAQ (DI)(R8*4), DI
	VMULPS Z25, Z4, Z4
	SUBQ $2, R10
	JG   octaves
	VZEROUPPER
	RET
