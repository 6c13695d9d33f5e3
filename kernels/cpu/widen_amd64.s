//go:build amd64 && !purego

#include "textflag.h"
#include "packed_amd64.h"

// Widening of packed weights to floats, and of blocks' parameters. n is a
// multiple of 16; of 8 for the parameters' AVX2 versions.

#define WIDENARGS \
	MOVQ dst+0(FP), SI \
	MOVQ w+8(FP), R8   \
	MOVQ n+16(FP), CX

#define WIDEN512(DECODE) \
	WIDENARGS        \
loop:                \
	DECODE((R8), Z5) \
	VMOVUPS Z5, (SI) \
	ADDQ $64, SI     \
	ADDQ $32, R8     \
	SUBQ $16, CX     \
	JNZ  loop        \
	VZEROUPPER       \
	RET

#define WIDEN256(DECODE) \
	WIDENARGS          \
loop:                  \
	DECODE((R8), Y5)   \
	DECODE(16(R8), Y6) \
	VMOVUPS Y5, (SI)   \
	VMOVUPS Y6, 32(SI) \
	ADDQ $64, SI       \
	ADDQ $32, R8       \
	SUBQ $16, CX       \
	JNZ  loop          \
	VZEROUPPER         \
	RET

// Scales of the first n blocks of rows, stride bytes apart, from the blocks'
// bytes: 16 (AVX-512) or 8 (AVX2) at a time; n is a multiple of that. They are
// written one row after the other.
//
//   SI scales, DX zeros
//   R10, R9     bytes of the next row, stride; R11 n; BX rows left
//   R8, CX      bytes, blocks left
//   the factor and constants from Z16 or Y8 on

// NEXTROW begins a row.
#define NEXTROW \
	MOVQ R10, R8 \
	ADDQ R9, R10 \
	MOVQ R11, CX

#define SCALE512(z) \
	VPSLLD $19, z, z  \
	VPADDD Z17, z, z  \
	VMULPS Z16, z, z

#define SCALE256(y) \
	VPSLLD $19, y, y  \
	VPADDD Y9, y, y   \
	VMULPS Y8, y, y

#define SCALESARGSQ4 \
	MOVQ scales+0(FP), SI  \
	MOVQ zeros+8(FP), DX   \
	MOVQ params+16(FP), R10 \
	MOVQ n+24(FP), R11     \
	MOVQ rows+32(FP), BX   \
	MOVQ stride+40(FP), R9

// SCALESQ4 leaves scales in register 0, zero points in register 1.
#define SCALESQ4_512 \
	VPMOVZXWD (R8), Z0  \
	VPSRLD $8, Z0, Z1   \
	VPANDD Z18, Z0, Z0  \
	VCVTDQ2PS Z1, Z1    \
	SCALE512(Z0)        \
	VMULPS Z19, Z1, Z1

#define SCALESQ4_256 \
	VPMOVZXWD (R8), Y0  \
	VPSRLD $8, Y0, Y1   \
	VPAND  Y10, Y0, Y0  \
	VCVTDQ2PS Y1, Y1    \
	SCALE256(Y0)        \
	VMULPS Y11, Y1, Y1

#define SCALESCONSTSQ4_512 \
	VBROADCASTSS factor+48(FP), Z16        \
	VPBROADCASTD scalebias<>(SB), Z17   \
	VPBROADCASTD bytemask<>(SB), Z18    \
	VBROADCASTSS sixteenth<>(SB), Z19

#define SCALESCONSTSQ4_256 \
	VBROADCASTSS factor+48(FP), Y8         \
	VPBROADCASTD scalebias<>(SB), Y9    \
	VPBROADCASTD bytemask<>(SB), Y10    \
	VBROADCASTSS sixteenth<>(SB), Y11

#define SCALESSTOREQ4_512 \
	VMOVUPS Z0, (SI) \
	VMOVUPS Z1, (DX) \
	ADDQ $32, R8     \
	ADDQ $64, SI     \
	ADDQ $64, DX     \
	SUBQ $16, CX     \
	JNZ  loop        \
	DECQ BX          \
	JNZ  nextrow     \
	VZEROUPPER       \
	RET

#define SCALESSTOREQ4_256 \
	VMOVUPS Y0, (SI) \
	VMOVUPS Y1, (DX) \
	ADDQ $16, R8     \
	ADDQ $32, SI     \
	ADDQ $32, DX     \
	SUBQ $8, CX      \
	JNZ  loop        \
	DECQ BX          \
	JNZ  nextrow     \
	VZEROUPPER       \
	RET

// func widenBF16AVX512(dst *float32, w *byte, n int)
TEXT ·widenBF16AVX512(SB), NOSPLIT, $0-24
	WIDEN512(BF16_512)

// func widenF16AVX512(dst *float32, w *byte, n int)
TEXT ·widenF16AVX512(SB), NOSPLIT, $0-24
	WIDEN512(F16_512)

// func widenBF16AVX2(dst *float32, w *byte, n int)
TEXT ·widenBF16AVX2(SB), NOSPLIT, $0-24
	WIDEN256(BF16_256)

// func widenF16AVX2(dst *float32, w *byte, n int)
TEXT ·widenF16AVX2(SB), NOSPLIT, $0-24
	WIDEN256(F16_256)

// func widenQ8AVX512(dst *float32, w *byte, n int, scales *float32)
TEXT ·widenQ8AVX512(SB), NOSPLIT, $0-32
	WIDENARGS
	MOVQ scales+24(FP), R11

loop:
	Q8_512((R8), Z5)
	VMULPS.BCST (R11), Z5, Z5
	VMOVUPS Z5, (SI)
	ADDQ $64, SI
	ADDQ $16, R8
	ADDQ $4, R11
	SUBQ $16, CX
	JNZ  loop
	VZEROUPPER
	RET

// func widenQ8AVX2(dst *float32, w *byte, n int, scales *float32)
TEXT ·widenQ8AVX2(SB), NOSPLIT, $0-32
	WIDENARGS
	MOVQ scales+24(FP), R11

loop:
	Q8_256((R8), Y5)
	Q8_256(8(R8), Y6)
	VBROADCASTSS (R11), Y8
	VMULPS Y8, Y5, Y5
	VMULPS Y8, Y6, Y6
	VMOVUPS Y5, (SI)
	VMOVUPS Y6, 32(SI)
	ADDQ $64, SI
	ADDQ $16, R8
	ADDQ $4, R11
	SUBQ $16, CX
	JNZ  loop
	VZEROUPPER
	RET

// func widenQ4AVX512(dst *float32, w *byte, n int, scales, zeros *float32)
TEXT ·widenQ4AVX512(SB), NOSPLIT, $0-40
	WIDENARGS
	MOVQ scales+24(FP), R11
	MOVQ zeros+32(FP), DX
	CONSTSQ4_512

loop:
	Q4_512((R8), Z5)
	VSUBPS.BCST (DX), Z5, Z5
	VMULPS.BCST (R11), Z5, Z5
	VMOVUPS Z5, (SI)
	ADDQ $64, SI
	ADDQ $8, R8
	ADDQ $4, R11
	ADDQ $4, DX
	SUBQ $16, CX
	JNZ  loop
	VZEROUPPER
	RET

// func widenQ4AVX2(dst *float32, w *byte, n int, scales, zeros *float32)
TEXT ·widenQ4AVX2(SB), NOSPLIT, $0-40
	WIDENARGS
	MOVQ scales+24(FP), R11
	MOVQ zeros+32(FP), DX
	CONSTSQ4_256

loop:
	Q4_256((R8), Y5, Y6)
	VBROADCASTSS (R11), Y8
	VBROADCASTSS (DX), Y9
	VSUBPS Y9, Y5, Y5
	VSUBPS Y9, Y6, Y6
	VMULPS Y8, Y5, Y5
	VMULPS Y8, Y6, Y6
	VMOVUPS Y5, (SI)
	VMOVUPS Y6, 32(SI)
	ADDQ $64, SI
	ADDQ $8, R8
	ADDQ $4, R11
	ADDQ $4, DX
	SUBQ $16, CX
	JNZ  loop
	VZEROUPPER
	RET

// func scalesQ8AVX512(scales *float32, params *byte, n, rows, stride int, factor float32)
TEXT ·scalesQ8AVX512(SB), NOSPLIT, $0-44
	MOVQ scales+0(FP), SI
	MOVQ params+8(FP), R10
	MOVQ n+16(FP), R11
	MOVQ rows+24(FP), BX
	MOVQ stride+32(FP), R9
	VBROADCASTSS factor+40(FP), Z16
	VPBROADCASTD scalebias<>(SB), Z17

nextrow:
	NEXTROW

loop:
	VPMOVZXBD (R8), Z0
	SCALE512(Z0)
	VMOVUPS Z0, (SI)
	ADDQ $16, R8
	ADDQ $64, SI
	SUBQ $16, CX
	JNZ  loop
	DECQ BX
	JNZ  nextrow
	VZEROUPPER
	RET

// func scalesQ8AVX2(scales *float32, params *byte, n, rows, stride int, factor float32)
TEXT ·scalesQ8AVX2(SB), NOSPLIT, $0-44
	MOVQ scales+0(FP), SI
	MOVQ params+8(FP), R10
	MOVQ n+16(FP), R11
	MOVQ rows+24(FP), BX
	MOVQ stride+32(FP), R9
	VBROADCASTSS factor+40(FP), Y8
	VPBROADCASTD scalebias<>(SB), Y9

nextrow:
	NEXTROW

loop:
	VPMOVZXBD (R8), Y0
	SCALE256(Y0)
	VMOVUPS Y0, (SI)
	ADDQ $8, R8
	ADDQ $32, SI
	SUBQ $8, CX
	JNZ  loop
	DECQ BX
	JNZ  nextrow
	VZEROUPPER
	RET

// func scalesQ4AVX512(scales, zeros *float32, params *byte, n, rows, stride int, factor float32)
TEXT ·scalesQ4AVX512(SB), NOSPLIT, $0-52
	SCALESARGSQ4
	SCALESCONSTSQ4_512

nextrow:
	NEXTROW

loop:
	SCALESQ4_512
	SCALESSTOREQ4_512

// func scalesQ4AVX2(scales, zeros *float32, params *byte, n, rows, stride int, factor float32)
TEXT ·scalesQ4AVX2(SB), NOSPLIT, $0-52
	SCALESARGSQ4
	SCALESCONSTSQ4_256

nextrow:
	NEXTROW

loop:
	SCALESQ4_256
	SCALESSTOREQ4_256

// As scalesQ4, with zero points times scales.
//
// func termsQ4AVX512(scales, zeros *float32, params *byte, n, rows, stride int, factor float32)
TEXT ·termsQ4AVX512(SB), NOSPLIT, $0-52
	SCALESARGSQ4
	SCALESCONSTSQ4_512

nextrow:
	NEXTROW

loop:
	SCALESQ4_512
	VMULPS Z0, Z1, Z1
	SCALESSTOREQ4_512

// func termsQ4AVX2(scales, zeros *float32, params *byte, n, rows, stride int, factor float32)
TEXT ·termsQ4AVX2(SB), NOSPLIT, $0-52
	SCALESARGSQ4
	SCALESCONSTSQ4_256

nextrow:
	NEXTROW

loop:
	SCALESQ4_256
	VMULPS Y0, Y1, Y1
	SCALESSTOREQ4_256
