//go:build arm64 && !purego

#include "textflag.h"

// Instructions that Go's assembler does not know: see kernels/cpu/neon_arm64.h,
// whose test checks these too.
#define FADD(m, n, d) WORD $(0x4e20d400 | (m)<<16 | (n)<<5 | (d)) // fadd v{d}.4s, v{n}.4s, v{m}.4s
#define FSUB(m, n, d) WORD $(0x4ea0d400 | (m)<<16 | (n)<<5 | (d)) // fsub v{d}.4s, v{n}.4s, v{m}.4s
#define FMUL(m, n, d) WORD $(0x6e20dc00 | (m)<<16 | (n)<<5 | (d)) // fmul v{d}.4s, v{n}.4s, v{m}.4s
#define FMULE(i, m, n, d) WORD $(0x4f809000 | ((i)&1)<<21 | ((i)>>1)<<11 | (m)<<16 | (n)<<5 | (d)) // fmul v{d}.4s, v{n}.4s, v{m}.s[{i}]
#define FMAXNM(m, n, d) WORD $(0x4e20c400 | (m)<<16 | (n)<<5 | (d)) // fmaxnm v{d}.4s, v{n}.4s, v{m}.4s
#define FMIN(m, n, d) WORD $(0x4ea0f400 | (m)<<16 | (n)<<5 | (d)) // fmin v{d}.4s, v{n}.4s, v{m}.4s
#define FRINTN(n, d) WORD $(0x4e218800 | (n)<<5 | (d)) // frintn v{d}.4s, v{n}.4s
#define FCMGT(m, n, d) WORD $(0x6ea0e400 | (m)<<16 | (n)<<5 | (d)) // fcmgt v{d}.4s, v{n}.4s, v{m}.4s

DATA constants<>+0(SB)/4, $16.0
DATA constants<>+4(SB)/4, $0.0625
DATA constants<>+8(SB)/4, $255.0
DATA constants<>+12(SB)/4, $15.0
GLOBL constants<>(SB), RODATA|NOPTR, $16

// ELEMENT adds the errors of elements j of four blocks: V0 = 1/step, V1 = zero,
// V7 = 0, V8 = 15; SUM of squares, MEAN of errors. FMAXNM makes 0 of a NaN.
#define ELEMENT(j, SUM, MEAN) \
	FMOVQ (j*32)(R0), F5 \
	FMUL(0, 5, 5)        \
	FADD(1, 5, 5)        \
	FMAXNM(7, 5, 6)      \
	FMIN(8, 6, 6)        \
	FRINTN(6, 6)         \
	FSUB(6, 5, 5)        \
	FADD(5, MEAN, MEAN)  \
	FMUL(5, 5, 5)        \
	FADD(5, SUM, SUM)

// func tryNEON(s *q4search, c *q4candidate, inv *[lanes]float32)
//
// s holds 16 x 8 elements, then the best steps, zeros and errors. R3 counts the
// halves of the eight blocks, R4 the passes.
TEXT ·tryNEON(SB), NOSPLIT, $0-24
	MOVD  s+0(FP), R0
	MOVD  c+8(FP), R1
	MOVD  inv+16(FP), R2
	MOVD  $constants<>(SB), R3
	FMOVQ (R3), F9
	VDUP  V9.S[2], V11.S4
	VDUP  V9.S[3], V8.S4
	VEOR  V7.B16, V7.B16, V7.B16
	MOVD  $2, R3

half:
	FMOVQ.P 16(R2), F0
	FMOVQ   32(R1), F1 // zero
	FMOVQ.P 16(R1), F2 // step
	FMUL(2, 2, 12)
	MOVD $2, R4

pass:
	// zero as it is stored: a whole number of sixteenths from 0 to 255.
	FMULE(0, 9, 1, 1)
	FMAXNM(7, 1, 1)
	FMIN(11, 1, 1)
	FRINTN(1, 1)
	FMULE(1, 9, 1, 1)

	VEOR V3.B16, V3.B16, V3.B16
	VEOR V4.B16, V4.B16, V4.B16
	VEOR V13.B16, V13.B16, V13.B16
	VEOR V14.B16, V14.B16, V14.B16
	ELEMENT(0, 3, 4)
	ELEMENT(1, 13, 14)
	ELEMENT(2, 3, 4)
	ELEMENT(3, 13, 14)
	ELEMENT(4, 3, 4)
	ELEMENT(5, 13, 14)
	ELEMENT(6, 3, 4)
	ELEMENT(7, 13, 14)
	ELEMENT(8, 3, 4)
	ELEMENT(9, 13, 14)
	ELEMENT(10, 3, 4)
	ELEMENT(11, 13, 14)
	ELEMENT(12, 3, 4)
	ELEMENT(13, 13, 14)
	ELEMENT(14, 3, 4)
	ELEMENT(15, 13, 14)
	FADD(13, 3, 3)
	FADD(14, 4, 4)
	FMUL(12, 3, 3)

	FMOVQ 576(R0), F5
	FCMGT(3, 5, 6) // errors below the best
	VBIT  V6.B16, V3.B16, V5.B16
	FMOVQ F5, 576(R0)
	FMOVQ 512(R0), F5
	VBIT  V6.B16, V2.B16, V5.B16
	FMOVQ F5, 512(R0)
	FMOVQ 544(R0), F5
	VBIT  V6.B16, V1.B16, V5.B16
	FMOVQ F5, 544(R0)

	FMULE(1, 9, 4, 4)
	FSUB(4, 1, 1)
	SUBS $1, R4
	BNE  pass
	ADD  $16, R0
	SUBS $1, R3
	BNE  half
	RET
