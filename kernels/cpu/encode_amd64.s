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

// Writes sin and cos of pi u scale[k] alternately for each of n elements u,
// octaves of them, in blocks of 8: the last block of an element may write past
// its end. u scale[k] is exact, and so is its remainder modulo 2. With q its
// nearest multiple of 1/2 and t the rest, |t| <= 1/4, the Taylor series of
// sin(pi t) and cos(pi t) are swapped for odd q and negated by quadrant.
//
//   R10 octaves left, R11 scale at the current octave, Y4 u
//   Y0 t, Y1 q, Y2 t^2, Y5 sine, Y6 cosine
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
