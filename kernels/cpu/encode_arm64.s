//go:build arm64 && !purego

#include "textflag.h"
#include "neon_arm64.h"
#include "vec_arm64.h"

DATA circle<>+0x00(SB)/4, $0.5
DATA circle<>+0x04(SB)/4, $2.0
CONST(circle, 0x10, $1)
CONST(circle, 0x20, $2)
CONST(circle, 0x30, $0.0821458866111282)
CONST(circle, 0x40, $-0.599264529320792)
CONST(circle, 0x50, $2.55016403987734)
CONST(circle, 0x60, $-5.16771278004997)
CONST(circle, 0x70, $3.14159265358979324)
CONST(circle, 0x80, $-0.0258068913900141)
CONST(circle, 0x90, $0.235330630358893)
CONST(circle, 0xa0, $-1.33526276885459)
CONST(circle, 0xb0, $4.05871212641677)
CONST(circle, 0xc0, $-4.93480220054468)
CONST(circle, 0xd0, $1.0)
GLOBL circle<>(SB), RODATA|NOPTR, $0xe0

// Writes sin and cos of pi u scale[k] alternately for each of n elements u,
// octaves of them, in blocks of 4: the last block of an element may write past
// its end. u scale[k] is exact, and so is its remainder modulo 2. With q its
// nearest multiple of 1/2 and t the rest, |t| <= 1/4, the Taylor series of
// sin(pi t) and cos(pi t) are swapped for odd q and negated by quadrant.
//
//   R0, R1  results, those of the element
//   R2, R5  elements, how many are left
//   R3, R4  scales, octaves
//   R7, R8  scales and octaves left of the element
//   R6, R9  constants, bytes of an element's results
//   V4 u
//   V0 t, V1 q, V2 t^2, V5 sine, V6 cosine
//
// func encodeVector(dst, u *float32, n, octaves int, scale *float32)
TEXT ·encodeVector(SB), NOSPLIT, $0-40
	MOVD  dst+0(FP), R0
	MOVD  u+8(FP), R2
	MOVD  n+16(FP), R5
	MOVD  octaves+24(FP), R4
	MOVD  scale+32(FP), R3
	MOVD  $circle<>(SB), R6
	LSL   $3, R4, R9
	FMOVQ 0x00(R6), F16
	FMOVQ 0x10(R6), F17
	FMOVQ 0x20(R6), F18

element:
	FMOVS.P 4(R2), F4
	MOVD R4, R8
	MOVD R3, R7
	MOVD R0, R1

block:
	FMOVQ.P 16(R7), F0
	FMULE(0, 4, 0, 0)
	FMULE(0, 16, 0, 1)
	FRINTN(1, 1)
	FMLSE(1, 16, 1, 0)
	FADD(0, 0, 1)
	FRINTN(1, 1)
	FMLSE(0, 16, 1, 0)
	FCVTZS(1, 1)
	FMUL(0, 0, 2)
	FMOVQ 0x30(R6), F3
	FMOVQ 0x40(R6), F5
	FMLA(3, 2, 5)
	FMOVQ 0x50(R6), F3
	FMLA(5, 2, 3)
	FMOVQ 0x60(R6), F5
	FMLA(3, 2, 5)
	FMOVQ 0x70(R6), F3
	FMLA(5, 2, 3)
	FMUL(0, 3, 5)
	FMOVQ 0x80(R6), F3
	FMOVQ 0x90(R6), F6
	FMLA(3, 2, 6)
	FMOVQ 0xa0(R6), F3
	FMLA(6, 2, 3)
	FMOVQ 0xb0(R6), F6
	FMLA(3, 2, 6)
	FMOVQ 0xc0(R6), F3
	FMLA(6, 2, 3)
	FMOVQ 0xd0(R6), F6
	FMLA(3, 2, 6)

	// Odd q: swap.
	VCMTST V17.S4, V1.S4, V7.S4
	VMOV V5.B16, V8.B16
	VMOV V6.B16, V9.B16
	VBIT V7.B16, V6.B16, V8.B16
	VBIT V7.B16, V5.B16, V9.B16

	// Sine is negative for q = 2, 3; cosine for q = 1, 2.
	VAND V18.B16, V1.B16, V7.B16
	VSHL $30, V7.S4, V7.S4
	VEOR V7.B16, V8.B16, V8.B16
	VADD V17.S4, V1.S4, V7.S4
	VAND V18.B16, V7.B16, V7.B16
	VSHL $30, V7.S4, V7.S4
	VEOR V7.B16, V9.B16, V9.B16
	VST2.P [V8.S4, V9.S4], 32(R1)
	SUBS $4, R8
	BGT  block
	ADD  R9, R0
	SUBS $1, R5
	BNE  element
	RET
