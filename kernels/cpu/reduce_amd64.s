//go:build amd64 && !purego

#include "textflag.h"
#include "vec_amd64.h"

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

// func sumVector(a *float32, n int) float32
TEXT ·sumVector(SB), NOSPLIT, $0-20
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

// func dotVector(a, b *float32, n int) float32
TEXT ·dotVector(SB), NOSPLIT, $0-28
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
// func deviationVector(a *float32, n int, t float32) float32
TEXT ·deviationVector(SB), NOSPLIT, $0-28
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

// Four scalar products at once: out[r] = sum of x[i] w[r stride + i].
//
//   SI x, R8 row 0 of w, R9 stride in bytes, R10 three strides
//   Y0..Y3 sums of even, Y4..Y7 of odd vectors
//
// func dot4Vector(x, w *float32, stride, n int, out *float32)
TEXT ·dot4Vector(SB), NOSPLIT, $0-40
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

// Takes row into the running maximum best and its positions at: k where an
// element is larger, or the first NaN. n is a multiple of 8.
//
//   Y0 row, Y1 best, Y2 to be replaced, Y14 k
//
// func maxRowVector(best *float32, at *int32, row *float32, n int, k int32)
TEXT ·maxRowVector(SB), NOSPLIT, $0-36
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
