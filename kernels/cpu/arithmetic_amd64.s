//go:build amd64 && !purego

#include "textflag.h"
#include "go_asm.h"
#include "vec_amd64.h"

// Arithmetic, copies and updates.

CONST8(pcgMul, $747796405)
CONST8(pcgAdd, $2891336453)
CONST8(pcgOut, $277803737)
CONST8(four32, $4)
CONST8(eight32, $8)
CONST8(signbit, $0x80000000)

#define ADD VADDPS Y1, Y0, Y0
#define SUB VSUBPS Y1, Y0, Y0
#define MUL VMULPS Y1, Y0, Y0
#define DIV VDIVPS Y1, Y0, Y0
#define MULADD VFMADD213PS Y2, Y1, Y0
#define SUBSCALE \
	VSUBPS Y13, Y0, Y0 \
	VMULPS Y14, Y0, Y0
#define AXPY VFMADD231PS Y1, Y14, Y0

// func addVector(dst, a, b *float32, n int)
TEXT ·addVector(SB), NOSPLIT, $0-32
	ARGS2
	MAP2(ADD)

// func subVector(dst, a, b *float32, n int)
TEXT ·subVector(SB), NOSPLIT, $0-32
	ARGS2
	MAP2(SUB)

// func mulVector(dst, a, b *float32, n int)
TEXT ·mulVector(SB), NOSPLIT, $0-32
	ARGS2
	MAP2(MUL)

// func divVector(dst, a, b *float32, n int)
TEXT ·divVector(SB), NOSPLIT, $0-32
	ARGS2
	MAP2(DIV)

// dst = a b + c
//
// func mulAddVector(dst, a, b, c *float32, n int)
TEXT ·mulAddVector(SB), NOSPLIT, $0-40
	ARGS3
	MAP3(MULADD)

// dst = (a - t) s, t in Y13, s in Y14
//
// func subScaleVector(dst, a *float32, n int, t, s float32)
TEXT ·subScaleVector(SB), NOSPLIT, $0-32
	ARGS1
	VBROADCASTSS t+24(FP), Y13
	VBROADCASTSS s+28(FP), Y14
	MAP1(SUBSCALE)

// dst = a + b s, s in Y14
//
// func axpyVector(dst, a, b *float32, n int, s float32)
TEXT ·axpyVector(SB), NOSPLIT, $0-36
	ARGS2
	VBROADCASTSS s+32(FP), Y14
	MAP2(AXPY)

// ADAMW: p Y0, m Y1, v Y2, g Y3 with adamWConsts in Y6..Y14.
#define ADAMW \
	VMULPS Y6, Y3, Y3        \
	VMULPS Y8, Y1, Y1        \
	VFMADD231PS Y3, Y9, Y1   \
	VMULPS Y3, Y3, Y4        \
	VMULPS Y10, Y2, Y2       \
	VFMADD231PS Y4, Y11, Y2  \
	VSQRTPS Y2, Y4           \
	VDIVPS Y12, Y4, Y4       \
	VADDPS Y13, Y4, Y4       \
	VMULPS Y14, Y1, Y5       \
	VDIVPS Y4, Y5, Y5        \
	VMULPS Y7, Y0, Y0        \
	VSUBPS Y5, Y0, Y0

// func adamWVector(p, m, v, grad *float32, n int, k *adamWConsts)
TEXT ·adamWVector(SB), NOSPLIT, $0-48
	MOVQ p+0(FP), DI
	MOVQ m+8(FP), SI
	MOVQ v+16(FP), R8
	MOVQ grad+24(FP), R9
	MOVQ n+32(FP), CX
	MOVQ k+40(FP), AX
	VBROADCASTSS adamWConsts_scale(AX), Y6
	VBROADCASTSS adamWConsts_decay(AX), Y7
	VBROADCASTSS adamWConsts_beta1(AX), Y8
	VBROADCASTSS adamWConsts_rest1(AX), Y9
	VBROADCASTSS adamWConsts_beta2(AX), Y10
	VBROADCASTSS adamWConsts_rest2(AX), Y11
	VBROADCASTSS adamWConsts_rootC2(AX), Y12
	VBROADCASTSS adamWConsts_eps(AX), Y13
	VBROADCASTSS adamWConsts_rate(AX), Y14
	SUBQ $8, CX
	JL   tail

loop:
	VMOVUPS (DI), Y0
	VMOVUPS (SI), Y1
	VMOVUPS (R8), Y2
	VMOVUPS (R9), Y3
	ADAMW
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, (SI)
	VMOVUPS Y2, (R8)
	ADDQ $32, DI
	ADDQ $32, SI
	ADDQ $32, R8
	ADDQ $32, R9
	SUBQ $8, CX
	JGE  loop

tail:
	ADDQ $8, CX
	JZ   done
	MASK
	VMASKMOVPS (DI), Y15, Y0
	VMASKMOVPS (SI), Y15, Y1
	VMASKMOVPS (R8), Y15, Y2
	VMASKMOVPS (R9), Y15, Y3
	ADAMW
	VMASKMOVPS Y0, Y15, (DI)
	VMASKMOVPS Y1, Y15, (SI)
	VMASKMOVPS Y2, Y15, (R8)

done:
	VZEROUPPER
	RET

DATA iota<>+0(SB)/8, $0x0000000100000000
DATA iota<>+8(SB)/8, $0x0000000300000002
DATA iota<>+16(SB)/8, $0x0000000500000004
DATA iota<>+24(SB)/8, $0x0000000700000006
GLOBL iota<>(SB), RODATA|NOPTR, $32

// DROPOUT: Y0 = Y0 factor where the hash of the counters in Y10 is not below
// the bound, else 0; then the next counters. Y11 = hash of the seed, Y12 =
// bound with its top bit flipped (AVX2 compares signed), Y13 = the top bit,
// Y14 = factor. See kernels.Hash.
#define DROPOUT \
	VPADDD  Y11, Y10, Y1               \
	VPADDD  eight32<>(SB), Y10, Y10    \
	VPMULLD pcgMul<>(SB), Y1, Y1       \
	VPADDD  pcgAdd<>(SB), Y1, Y1       \
	VPSRLD  $28, Y1, Y2                \
	VPADDD  four32<>(SB), Y2, Y2       \
	VPSRLVD Y2, Y1, Y2                 \
	VPXOR   Y2, Y1, Y1                 \
	VPMULLD pcgOut<>(SB), Y1, Y1       \
	VPSRLD  $22, Y1, Y2                \
	VPXOR   Y2, Y1, Y1                 \
	VPXOR   Y13, Y1, Y1                \
	VPCMPGTD Y1, Y12, Y1               \
	VMULPS  Y14, Y0, Y0                \
	VANDNPS Y0, Y1, Y0

// func dropoutVector(dst, a *float32, n int, seed, counter, below uint32, factor float32)
TEXT ·dropoutVector(SB), NOSPLIT, $0-40
	ARGS1
	VBROADCASTSS seed+24(FP), Y11
	VBROADCASTSS counter+28(FP), Y10
	VPADDD       iota<>(SB), Y10, Y10
	VMOVUPS      signbit<>(SB), Y13
	VBROADCASTSS below+32(FP), Y12
	VPXOR        Y13, Y12, Y12
	VBROADCASTSS factor+36(FP), Y14
	MAP1(DROPOUT)

// Transposes 8 rows of a, 8 columns at a time: dst[c ds + r] = a[r as + c] for
// r < 8, c < 8 blocks.
//
//   SI, R8 rows 0 and 4 of a, R9 stride in bytes, R10 three strides
//   DI, DX rows 0 and 4 of dst, R11 stride in bytes, R12 three strides
//   Y0..Y7 and Y8..Y15 in turn the rows and their shuffles
//
// func transposeVector(dst *float32, ds int, a *float32, as, blocks int)
TEXT ·transposeVector(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ ds+8(FP), R11
	MOVQ a+16(FP), SI
	MOVQ as+24(FP), R9
	MOVQ blocks+32(FP), CX
	SHLQ $2, R9
	SHLQ $2, R11
	LEAQ (R9)(R9*2), R10
	LEAQ (R11)(R11*2), R12
	LEAQ (SI)(R9*4), R8
	LEAQ (DI)(R11*4), DX
	MOVQ R11, R13
	SHLQ $3, R13

next:
	VMOVUPS (SI), Y0
	VMOVUPS (SI)(R9*1), Y1
	VMOVUPS (SI)(R9*2), Y2
	VMOVUPS (SI)(R10*1), Y3
	VMOVUPS (R8), Y4
	VMOVUPS (R8)(R9*1), Y5
	VMOVUPS (R8)(R9*2), Y6
	VMOVUPS (R8)(R10*1), Y7
	VUNPCKLPS Y1, Y0, Y8
	VUNPCKHPS Y1, Y0, Y9
	VUNPCKLPS Y3, Y2, Y10
	VUNPCKHPS Y3, Y2, Y11
	VUNPCKLPS Y5, Y4, Y12
	VUNPCKHPS Y5, Y4, Y13
	VUNPCKLPS Y7, Y6, Y14
	VUNPCKHPS Y7, Y6, Y15
	VSHUFPS $0x44, Y10, Y8, Y0
	VSHUFPS $0xee, Y10, Y8, Y1
	VSHUFPS $0x44, Y11, Y9, Y2
	VSHUFPS $0xee, Y11, Y9, Y3
	VSHUFPS $0x44, Y14, Y12, Y4
	VSHUFPS $0xee, Y14, Y12, Y5
	VSHUFPS $0x44, Y15, Y13, Y6
	VSHUFPS $0xee, Y15, Y13, Y7
	VPERM2F128 $0x20, Y4, Y0, Y8
	VPERM2F128 $0x20, Y5, Y1, Y9
	VPERM2F128 $0x20, Y6, Y2, Y10
	VPERM2F128 $0x20, Y7, Y3, Y11
	VPERM2F128 $0x31, Y4, Y0, Y12
	VPERM2F128 $0x31, Y5, Y1, Y13
	VPERM2F128 $0x31, Y6, Y2, Y14
	VPERM2F128 $0x31, Y7, Y3, Y15
	VMOVUPS Y8, (DI)
	VMOVUPS Y9, (DI)(R11*1)
	VMOVUPS Y10, (DI)(R11*2)
	VMOVUPS Y11, (DI)(R12*1)
	VMOVUPS Y12, (DX)
	VMOVUPS Y13, (DX)(R11*1)
	VMOVUPS Y14, (DX)(R11*2)
	VMOVUPS Y15, (DX)(R12*1)
	ADDQ $32, SI
	ADDQ $32, R8
	ADDQ R13, DI
	ADDQ R13, DX
	DECQ CX
	JNZ  next
	VZEROUPPER
	RET

// dst += the sum of s[r] a[r stride + i] over four rows.
//
//   SI row 0, R9 stride in bytes, R10 three strides; Y8..Y11 the factors
//
// func axpy4Vector(dst, a *float32, stride, n int, s *[4]float32)
TEXT ·axpy4Vector(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ a+8(FP), SI
	MOVQ stride+16(FP), R9
	MOVQ n+24(FP), CX
	MOVQ s+32(FP), AX
	SHLQ $2, R9
	LEAQ (R9)(R9*2), R10
	VBROADCASTSS 0(AX), Y8
	VBROADCASTSS 4(AX), Y9
	VBROADCASTSS 8(AX), Y10
	VBROADCASTSS 12(AX), Y11
	SUBQ $8, CX
	JL   tail

loop:
	VMULPS (SI), Y8, Y0
	VMULPS (SI)(R9*1), Y9, Y1
	VFMADD231PS (SI)(R9*2), Y10, Y0
	VFMADD231PS (SI)(R10*1), Y11, Y1
	VADDPS Y1, Y0, Y0
	VADDPS (DI), Y0, Y0
	VMOVUPS Y0, (DI)
	ADDQ $32, SI
	ADDQ $32, DI
	SUBQ $8, CX
	JGE  loop

tail:
	ADDQ $8, CX
	JZ   done
	MASK
	VMASKMOVPS (SI), Y15, Y0
	VMASKMOVPS (SI)(R9*1), Y15, Y1
	VMASKMOVPS (SI)(R9*2), Y15, Y2
	VMASKMOVPS (SI)(R10*1), Y15, Y3
	VMASKMOVPS (DI), Y15, Y4
	VMULPS Y8, Y0, Y0
	VMULPS Y9, Y1, Y1
	VFMADD231PS Y2, Y10, Y0
	VFMADD231PS Y3, Y11, Y1
	VADDPS Y1, Y0, Y0
	VADDPS Y4, Y0, Y0
	VMASKMOVPS Y0, Y15, (DI)

done:
	VZEROUPPER
	RET

// func copyStripsVector(dst, src *float32, next, width, strips, k int)
//
// SI runs through src, R9 keeps the beginning of its row; DI through dst, R8
// keeps the row's place in the first strip. R11 bytes are copied to each of CX
// strips, DX bytes apart. The width is 6, or a multiple of 4.
TEXT ·copyStripsVector(SB), NOSPLIT, $0-48
	MOVQ  dst+0(FP), R8
	MOVQ  src+8(FP), R9
	MOVQ  next+16(FP), R10
	SHLQ  $2, R10
	MOVQ  width+24(FP), R11
	SHLQ  $2, R11
	MOVQ  strips+32(FP), R12
	MOVQ  k+40(FP), R13
	MOVQ  R13, DX
	IMULQ R11, DX
	CMPQ  R11, $24
	JEQ   rows6
	CMPQ  R11, $48
	JEQ   rows12
	CMPQ  R11, $128
	JEQ   rows32

rows:
	MOVQ R9, SI
	MOVQ R8, DI
	MOVQ R12, CX

strip:
	PREFETCHT0 (SI)(R10*8)
	XORQ BX, BX

quad:
	VMOVUPS (SI)(BX*1), X0
	VMOVUPS X0, (DI)(BX*1)
	ADDQ    $16, BX
	CMPQ    BX, R11
	JNE     quad
	ADDQ    R11, SI
	ADDQ    DX, DI
	DECQ    CX
	JNZ     strip
	ADDQ    R10, R9
	ADDQ    R11, R8
	DECQ    R13
	JNZ     rows
	RET

rows6:
	MOVQ R9, SI
	MOVQ R8, DI
	MOVQ R12, CX

strip6:
	PREFETCHT0 (SI)(R10*8)
	VMOVUPS (SI), X0
	MOVQ    16(SI), AX
	VMOVUPS X0, (DI)
	MOVQ    AX, 16(DI)
	ADDQ    $24, SI
	ADDQ    DX, DI
	DECQ    CX
	JNZ     strip6
	ADDQ    R10, R9
	ADDQ    $24, R8
	DECQ    R13
	JNZ     rows6
	RET

rows12:
	MOVQ R9, SI
	MOVQ R8, DI
	MOVQ R12, CX

strip12:
	PREFETCHT0 (SI)(R10*8)
	VMOVUPS (SI), Y0
	VMOVUPS 32(SI), X1
	VMOVUPS Y0, (DI)
	VMOVUPS X1, 32(DI)
	ADDQ    $48, SI
	ADDQ    DX, DI
	DECQ    CX
	JNZ     strip12
	ADDQ    R10, R9
	ADDQ    $48, R8
	DECQ    R13
	JNZ     rows12
	VZEROUPPER
	RET

rows32:
	MOVQ R9, SI
	MOVQ R8, DI
	MOVQ R12, CX

strip32:
	PREFETCHT0 (SI)(R10*8)
	PREFETCHT0 64(SI)(R10*8)
	VMOVUPS (SI), Y0
	VMOVUPS 32(SI), Y1
	VMOVUPS 64(SI), Y2
	VMOVUPS 96(SI), Y3
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	VMOVUPS Y2, 64(DI)
	VMOVUPS Y3, 96(DI)
	ADDQ    $128, SI
	ADDQ    DX, DI
	DECQ    CX
	JNZ     strip32
	ADDQ    R10, R9
	ADDQ    $128, R8
	DECQ    R13
	JNZ     rows32
	VZEROUPPER
	RET
