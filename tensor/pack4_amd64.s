//go:build amd64 && !purego

#include "textflag.h"

DATA constants<>+0(SB)/4, $16.0
DATA constants<>+4(SB)/4, $0.0625
DATA constants<>+8(SB)/4, $255.0
DATA constants<>+12(SB)/4, $15.0
GLOBL constants<>(SB), RODATA|NOPTR, $16

// ELEMENT adds the errors of elements j of eight blocks: Y0 = 1/step, Y1 = zero,
// Y7 = 0, Y8 = 15; SUM of squares, MEAN of errors.
#define ELEMENT(j, SUM, MEAN) \
	VMULPS    (j*32)(DI), Y0, Y5; \
	VADDPS    Y1, Y5, Y5;         \
	VMAXPS    Y7, Y5, Y6;         \
	VMINPS    Y8, Y6, Y6;         \
	VROUNDPS  $8, Y6, Y6;         \
	VSUBPS    Y6, Y5, Y5;         \
	VADDPS    Y5, MEAN, MEAN;     \
	VMULPS    Y5, Y5, Y5;         \
	VADDPS    Y5, SUM, SUM

// func tryAVX2(s *q4search, c *q4candidate, inv *[lanes]float32)
//
// s holds 16 x 8 elements, then the best steps, zeros and errors.
TEXT ·tryAVX2(SB), NOSPLIT, $0-24
	MOVQ         s+0(FP), DI
	MOVQ         c+8(FP), SI
	MOVQ         inv+16(FP), DX
	VMOVUPS      (DX), Y0
	VMOVUPS      (SI), Y2           // step
	VMOVUPS      32(SI), Y1         // zero
	VXORPS       Y7, Y7, Y7
	VBROADCASTSS constants<>+12(SB), Y8
	VBROADCASTSS constants<>+0(SB), Y9
	VBROADCASTSS constants<>+4(SB), Y10
	VBROADCASTSS constants<>+8(SB), Y11
	VMULPS       Y2, Y2, Y12
	MOVQ         $2, CX

pass:
	// zero as it is stored: a whole number of sixteenths from 0 to 255.
	VMULPS   Y9, Y1, Y1
	VMAXPS   Y7, Y1, Y1
	VMINPS   Y11, Y1, Y1
	VROUNDPS $8, Y1, Y1
	VMULPS   Y10, Y1, Y1

	VXORPS Y3, Y3, Y3
	VXORPS Y4, Y4, Y4
	VXORPS Y13, Y13, Y13
	VXORPS Y14, Y14, Y14
	ELEMENT(0, Y3, Y4)
	ELEMENT(1, Y13, Y14)
	ELEMENT(2, Y3, Y4)
	ELEMENT(3, Y13, Y14)
	ELEMENT(4, Y3, Y4)
	ELEMENT(5, Y13, Y14)
	ELEMENT(6, Y3, Y4)
	ELEMENT(7, Y13, Y14)
	ELEMENT(8, Y3, Y4)
	ELEMENT(9, Y13, Y14)
	ELEMENT(10, Y3, Y4)
	ELEMENT(11, Y13, Y14)
	ELEMENT(12, Y3, Y4)
	ELEMENT(13, Y13, Y14)
	ELEMENT(14, Y3, Y4)
	ELEMENT(15, Y13, Y14)
	VADDPS Y13, Y3, Y3
	VADDPS Y14, Y4, Y4
	VMULPS Y12, Y3, Y3

	VMOVUPS   576(DI), Y5
	VCMPPS    $1, Y5, Y3, Y6        // errors below the best
	VBLENDVPS Y6, Y3, Y5, Y5
	VMOVUPS   Y5, 576(DI)
	VMOVUPS   512(DI), Y5
	VBLENDVPS Y6, Y2, Y5, Y5
	VMOVUPS   Y5, 512(DI)
	VMOVUPS   544(DI), Y5
	VBLENDVPS Y6, Y1, Y5, Y5
	VMOVUPS   Y5, 544(DI)

	VMULPS Y10, Y4, Y4
	VSUBPS Y4, Y1, Y1
	DECQ   CX
	JNZ    pass
	VZEROUPPER
	RET
