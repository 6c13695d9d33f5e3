//go:build arm64 && !purego

#include "textflag.h"
#include "neon_arm64.h"
#include "packed_arm64.h"

// Widening of packed weights to floats, and of blocks' parameters. n is a
// multiple of 16; of 8 for the parameters.

#define WIDENARGS \
	MOVD dst+0(FP), R0 \
	MOVD w+8(FP), R1   \
	MOVD n+16(FP), R5

#define WIDEN(DECODE) \
	WIDENARGS                      \
	VEOR V31.B16, V31.B16, V31.B16 \
loop:                              \
	FLDPQ.P 32(R1), (F4, F5)       \
	DECODE                         \
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(R0) \
	SUBS $16, R5                   \
	BNE  loop                      \
	RET

// Scales of the first n blocks of rows, stride bytes apart, from the blocks'
// bytes, 8 at a time. They are written one row after the other.
//
//   R0, R1      scales, zeros
//   R2, R3      bytes of the next row, stride
//   R4, R5      blocks in a row, rows left
//   R6, R7      bytes, blocks left
//   V0, V1      the blocks' bytes, each kind by itself
//   V16, V17    factor, what makes a float of a scale's bits

#define SCALESCONSTS \
	MOVW $0x38000000, R7 \
	VDUP R7, V17.S4

// SCALES turns the bytes of V0 into the floats of V2 and V3.
#define SCALES \
	VUXTL  V0.B8, V0.H8           \
	VUXTL  V0.H4, V2.S4           \
	VUXTL2 V0.H8, V3.S4           \
	VSHL   $19, V2.S4, V2.S4      \
	VSHL   $19, V3.S4, V3.S4      \
	VADD   V17.S4, V2.S4, V2.S4   \
	VADD   V17.S4, V3.S4, V3.S4   \
	FMULE(0, 16, 2, 2)            \
	FMULE(0, 16, 3, 3)

// ZEROS turns the bytes of V1, sixteenths, into the floats of V4 and V5.
#define ZEROS \
	VUXTL  V1.B8, V1.H8   \
	VUXTL  V1.H4, V4.S4   \
	VUXTL2 V1.H8, V5.S4   \
	UCVTF(4, 4, 4)        \
	UCVTF(4, 5, 5)

// SCALESQ4 is scalesQ4 with TERMS, which may change zeros.
#define SCALESQ4(TERMS) \
	MOVD scales+0(FP), R0    \
	MOVD zeros+8(FP), R1     \
	MOVD params+16(FP), R2   \
	MOVD n+24(FP), R4        \
	MOVD rows+32(FP), R5     \
	MOVD stride+40(FP), R3   \
	FMOVS factor+48(FP), F16 \
	SCALESCONSTS             \
nextrow:                     \
	MOVD R2, R6              \
	ADD  R3, R2              \
	MOVD R4, R7              \
loop:                        \
	VLD2.P 16(R6), [V0.B8, V1.B8] \
	SCALES                   \
	ZEROS                    \
	TERMS                    \
	VST1.P [V2.S4, V3.S4], 32(R0) \
	VST1.P [V4.S4, V5.S4], 32(R1) \
	SUBS $8, R7              \
	BNE  loop                \
	SUBS $1, R5              \
	BNE  nextrow             \
	RET

// func widenBF16(dst *float32, w *byte, n int)
TEXT ·widenBF16(SB), NOSPLIT, $0-24
	WIDEN(WIDEBF16)

// func widenF16(dst *float32, w *byte, n int)
TEXT ·widenF16(SB), NOSPLIT, $0-24
	WIDEN(WIDEF16)

// func widenQ8(dst *float32, w *byte, n int, scales *float32)
TEXT ·widenQ8(SB), NOSPLIT, $0-32
	WIDENARGS
	MOVD scales+24(FP), R2
	CONSTSQ8

loop:
	FMOVQ.P 16(R1), F4
	FMOVS.P 4(R2), F8
	WIDEQ8
	FMULE(0, 8, 4, 4)
	FMULE(0, 8, 5, 5)
	FMULE(0, 8, 6, 6)
	FMULE(0, 8, 7, 7)
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(R0)
	SUBS $16, R5
	BNE  loop
	RET

// func widenQ4(dst *float32, w *byte, n int, scales, zeros *float32)
TEXT ·widenQ4(SB), NOSPLIT, $0-40
	WIDENARGS
	MOVD scales+24(FP), R2
	MOVD zeros+32(FP), R3
	CONSTSQ4

loop:
	FMOVD.P 8(R1), F10
	FMOVS.P 4(R2), F8
	VLD1R.P 4(R3), [V9.S4]
	LOOKUPQ4
	WIDEQ4(VZIP1)
	FSUB(9, 20, 20)
	FSUB(9, 21, 21)
	FSUB(9, 22, 22)
	FSUB(9, 23, 23)
	FMULE(0, 8, 20, 20)
	FMULE(0, 8, 21, 21)
	FMULE(0, 8, 22, 22)
	FMULE(0, 8, 23, 23)
	VST4.P [V20.S4, V21.S4, V22.S4, V23.S4], 64(R0)
	SUBS $16, R5
	BNE  loop
	RET

// func scalesQ8(scales *float32, params *byte, n, rows, stride int, factor float32)
TEXT ·scalesQ8(SB), NOSPLIT, $0-44
	MOVD scales+0(FP), R0
	MOVD params+8(FP), R2
	MOVD n+16(FP), R4
	MOVD rows+24(FP), R5
	MOVD stride+32(FP), R3
	FMOVS factor+40(FP), F16
	SCALESCONSTS

nextrow:
	MOVD R2, R6
	ADD  R3, R2
	MOVD R4, R7

loop:
	VLD1.P 8(R6), [V0.B8]
	SCALES
	VST1.P [V2.S4, V3.S4], 32(R0)
	SUBS $8, R7
	BNE  loop
	SUBS $1, R5
	BNE  nextrow
	RET

#define ASTHEYARE
#define TIMESSCALES \
	FMUL(2, 4, 4) \
	FMUL(3, 5, 5)

// func scalesQ4(scales, zeros *float32, params *byte, n, rows, stride int, factor float32)
TEXT ·scalesQ4(SB), NOSPLIT, $0-52
	SCALESQ4(ASTHEYARE)

// As scalesQ4, with zero points times scales.
//
// func termsQ4(scales, zeros *float32, params *byte, n, rows, stride int, factor float32)
TEXT ·termsQ4(SB), NOSPLIT, $0-52
	SCALESQ4(TIMESSCALES)
