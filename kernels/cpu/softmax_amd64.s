//go:build amd64 && !purego

#include "textflag.h"

// Passes over scores of attention, for AVX-512: 16 elements at a time, a rest
// under the mask K1.
//
//   DI, SI      rows
//   CX          elements left
//   Z10..Z13    arguments
//   Z20..Z25    coefficients of EXP2

#define CONST(name, value) \
	DATA name<>+0(SB)/4, value \
	GLOBL name<>(SB), RODATA|NOPTR, $4

CONST(pow0, $0.9999999250635495)
CONST(pow1, $0.6931530731988349)
CONST(pow2, $0.24015361705589744)
CONST(pow3, $0.05582631801921059)
CONST(pow4, $0.00898934013109473)
CONST(pow5, $0.0018775766584206988)

#define EXP2CONSTS \
	VBROADCASTSS pow0<>(SB), Z20 \
	VBROADCASTSS pow1<>(SB), Z21 \
	VBROADCASTSS pow2<>(SB), Z22 \
	VBROADCASTSS pow3<>(SB), Z23 \
	VBROADCASTSS pow4<>(SB), Z24 \
	VBROADCASTSS pow5<>(SB), Z25

// EXP2 is x = 2^x to 1.5e-7, clobbering r and p: 2^floor(x) times a polynomial
// of the fraction, of degree 5 with the least relative error on [0, 1].
// VREDUCEPS gives 0 for infinities and VSCALEFPS then 0 or infinity; a NaN
// stays.
#define EXP2(x, r, p) \
	VREDUCEPS $1, x, r       \
	VMOVAPS Z25, p           \
	VFMADD213PS Z24, r, p    \
	VFMADD213PS Z23, r, p    \
	VFMADD213PS Z22, r, p    \
	VFMADD213PS Z21, r, p    \
	VFMADD213PS Z20, r, p    \
	VSCALEFPS x, p, x

// RESTMASK sets K1 to the first CX elements, 0 < CX < 16.
#define RESTMASK \
	MOVQ $1, AX  \
	SHLQ CX, AX  \
	DECQ AX      \
	KMOVW AX, K1

// dst = 2^((a - t) s), t in Z10, s in Z11; the sum of dst.
//
// func exp2SumAVX512(dst, a *float32, n int, t, s float32) float32
TEXT ·exp2SumAVX512(SB), NOSPLIT, $0-36
	MOVQ dst+0(FP), DI
	MOVQ a+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS t+24(FP), Z10
	VBROADCASTSS s+28(FP), Z11
	EXP2CONSTS
	VPXORD Z8, Z8, Z8
	VPXORD Z9, Z9, Z9
	SUBQ $32, CX
	JL   one

two:
	VMOVUPS (SI), Z0
	VMOVUPS 64(SI), Z1
	VSUBPS Z10, Z0, Z0
	VSUBPS Z10, Z1, Z1
	VMULPS Z11, Z0, Z0
	VMULPS Z11, Z1, Z1
	EXP2(Z0, Z2, Z3)
	EXP2(Z1, Z4, Z5)
	VMOVUPS Z0, (DI)
	VMOVUPS Z1, 64(DI)
	VADDPS Z0, Z8, Z8
	VADDPS Z1, Z9, Z9
	ADDQ $128, SI
	ADDQ $128, DI
	SUBQ $32, CX
	JGE  two

one:
	ADDQ $16, CX
	JL   rest
	VMOVUPS (SI), Z0
	VSUBPS Z10, Z0, Z0
	VMULPS Z11, Z0, Z0
	EXP2(Z0, Z2, Z3)
	VMOVUPS Z0, (DI)
	VADDPS Z0, Z8, Z8
	ADDQ $64, SI
	ADDQ $64, DI
	SUBQ $16, CX

rest:
	ADDQ $16, CX
	JZ   add
	RESTMASK
	VMOVUPS.Z (SI), K1, Z0
	VSUBPS Z10, Z0, Z0
	VMULPS Z11, Z0, Z0
	EXP2(Z0, Z2, Z3)
	VMOVUPS Z0, K1, (DI)
	VADDPS Z0, Z9, K1, Z9

add:
	VADDPS Z9, Z8, Z8
	VEXTRACTF64X4 $1, Z8, Y0
	VADDPS Y0, Y8, Y0
	VEXTRACTF128 $1, Y0, X1
	VADDPS X1, X0, X0
	VHADDPS X0, X0, X0
	VHADDPS X0, X0, X0
	VMOVSS X0, ret+32(FP)
	VZEROUPPER
	RET

// func maxAVX512(a *float32, n int) float32
TEXT ·maxAVX512(SB), NOSPLIT, $0-20
	MOVQ a+0(FP), SI
	MOVQ n+8(FP), CX
	VBROADCASTSS (SI), Z0
	VMOVAPS Z0, Z1
	VMOVAPS Z0, Z2
	VMOVAPS Z0, Z3
	SUBQ $64, CX
	JL   narrow

wide:
	VMAXPS (SI), Z0, Z0
	VMAXPS 64(SI), Z1, Z1
	VMAXPS 128(SI), Z2, Z2
	VMAXPS 192(SI), Z3, Z3
	ADDQ $256, SI
	SUBQ $64, CX
	JGE  wide

narrow:
	ADDQ $48, CX
	JL   rest

next:
	VMAXPS (SI), Z0, Z0
	ADDQ $64, SI
	SUBQ $16, CX
	JGE  next

rest:
	ADDQ $16, CX
	JZ   reduce
	RESTMASK
	VMAXPS (SI), Z1, K1, Z1

reduce:
	VMAXPS Z1, Z0, Z0
	VMAXPS Z3, Z2, Z2
	VMAXPS Z2, Z0, Z0
	VEXTRACTF64X4 $1, Z0, Y1
	VMAXPS Y1, Y0, Y0
	VEXTRACTF128 $1, Y0, X1
	VMAXPS X1, X0, X0
	VPERMILPS $0x4e, X0, X1
	VMAXPS X1, X0, X0
	VPERMILPS $0xb1, X0, X1
	VMAXPS X1, X0, X0
	VMOVSS X0, ret+16(FP)
	VZEROUPPER
	RET

// weights = 2^((weights - t) s), grads = (grads - delta) scale weights; t in
// Z10, s in Z11, delta in Z12, scale in Z13.
//
// func softmaxBackAVX512(weights, grads *float32, n int, t, s, delta, scale float32)
TEXT ·softmaxBackAVX512(SB), NOSPLIT, $0-40
	MOVQ weights+0(FP), SI
	MOVQ grads+8(FP), DI
	MOVQ n+16(FP), CX
	VBROADCASTSS t+24(FP), Z10
	VBROADCASTSS s+28(FP), Z11
	VBROADCASTSS delta+32(FP), Z12
	VBROADCASTSS scale+36(FP), Z13
	EXP2CONSTS
	SUBQ $16, CX
	JL   rest

loop:
	VMOVUPS (SI), Z0
	VMOVUPS (DI), Z1
	VSUBPS Z10, Z0, Z0
	VSUBPS Z12, Z1, Z1
	VMULPS Z11, Z0, Z0
	VMULPS Z13, Z1, Z1
	EXP2(Z0, Z2, Z3)
	VMULPS Z0, Z1, Z1
	VMOVUPS Z0, (SI)
	VMOVUPS Z1, (DI)
	ADDQ $64, SI
	ADDQ $64, DI
	SUBQ $16, CX
	JGE  loop

rest:
	ADDQ $16, CX
	JZ   done
	RESTMASK
	VMOVUPS.Z (SI), K1, Z0
	VMOVUPS.Z (DI), K1, Z1
	VSUBPS Z10, Z0, Z0
	VSUBPS Z12, Z1, Z1
	VMULPS Z11, Z0, Z0
	VMULPS Z13, Z1, Z1
	EXP2(Z0, Z2, Z3)
	VMULPS Z0, Z1, Z1
	VMOVUPS Z0, K1, (SI)
	VMOVUPS Z1, K1, (DI)

done:
	VZEROUPPER
	RET
