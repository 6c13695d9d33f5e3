//go:build amd64 && !purego

#include "textflag.h"
#include "packed_amd64.h"

// Scalar products of x with four neighbouring rows of packed weights. n, the
// length of a row, is a multiple of 16.
//
// Registers:
//   SI          x
//   R8          codes of row 0
//   R9, R10     bytes of a row of codes, of three
//   CX          elements left
//   BX          codes to prefetch: those of the next four rows
//   R11         factors of the blocks of row 0
//   R12, R13    bytes of a row of factors, of three
//   DX          summands, R12 apart too
//   DI          out
//   Z0..Z3      sums
//   Z4          x; with AVX2 Y4 and Y5
//   Z5..Z12     weights; with AVX2 Y6..Y12

// DOTARGS reads the arguments but out.
#define DOTARGS \
	MOVQ x+0(FP), SI     \
	MOVQ w+8(FP), R8     \
	MOVQ n+16(FP), CX    \
	MOVQ CX, R9

#define DOTROWS \
	LEAQ (R9)(R9*2), R10 \
	LEAQ (R8)(R9*4), BX

// FACTORS follows DOTARGS in functions of block types, whose rows are stride apart.
#define FACTORS \
	MOVQ factors+32(FP), R11 \
	MOVQ CX, R12             \
	SHRQ $2, R12             \
	LEAQ (R12)(R12*2), R13

// SUMS512 adds the elements of Z0..Z3 into X0.
#define SUMS512 \
	VEXTRACTF64X4 $1, Z0, Y4 \
	VEXTRACTF64X4 $1, Z1, Y5 \
	VEXTRACTF64X4 $1, Z2, Y6 \
	VEXTRACTF64X4 $1, Z3, Y7 \
	VADDPS Y4, Y0, Y0        \
	VADDPS Y5, Y1, Y1        \
	VADDPS Y6, Y2, Y2        \
	VADDPS Y7, Y3, Y3        \
	SUMS256

#define SUMS256 \
	VHADDPS Y1, Y0, Y0      \
	VHADDPS Y3, Y2, Y2      \
	VHADDPS Y2, Y0, Y0      \
	VEXTRACTF128 $1, Y0, X1 \
	VADDPS X1, X0, X0

#define CLEARSUMS \
	VXORPS Y0, Y0, Y0 \
	VXORPS Y1, Y1, Y1 \
	VXORPS Y2, Y2, Y2 \
	VXORPS Y3, Y3, Y3

// DOT512 is the loop for types without factors, whose blocks take 32 bytes.
#define DOT512(DECODE) \
	CLEARSUMS                  \
loop:                          \
	PREFETCHT0 (BX)            \
	PREFETCHT0 64(BX)          \
	VMOVUPS (SI), Z4           \
	DECODE((R8), Z5)           \
	DECODE((R8)(R9*1), Z6)     \
	DECODE((R8)(R9*2), Z7)     \
	DECODE((R8)(R10*1), Z8)    \
	VFMADD231PS Z4, Z5, Z0     \
	VFMADD231PS Z4, Z6, Z1     \
	VFMADD231PS Z4, Z7, Z2     \
	VFMADD231PS Z4, Z8, Z3     \
	ADDQ $64, SI               \
	ADDQ $32, R8               \
	ADDQ $128, BX              \
	SUBQ $16, CX               \
	JNZ  loop                  \
	SUMS512                    \
	VMOVUPS X0, (DI)           \
	VZEROUPPER                 \
	RET

#define STEP256(DECODE, w0, w1, acc) \
	DECODE(w0, Y6)           \
	DECODE(w1, Y7)           \
	VFMADD231PS Y4, Y6, acc  \
	VFMADD231PS Y5, Y7, acc

#define DOT256(DECODE) \
	CLEARSUMS                  \
loop:                          \
	PREFETCHT0 (BX)            \
	PREFETCHT0 64(BX)          \
	VMOVUPS (SI), Y4           \
	VMOVUPS 32(SI), Y5         \
	STEP256(DECODE, (R8), 16(R8), Y0)                 \
	STEP256(DECODE, (R8)(R9*1), 16(R8)(R9*1), Y1)     \
	STEP256(DECODE, (R8)(R9*2), 16(R8)(R9*2), Y2)     \
	STEP256(DECODE, (R8)(R10*1), 16(R8)(R10*1), Y3)   \
	ADDQ $64, SI               \
	ADDQ $32, R8               \
	ADDQ $128, BX              \
	SUBQ $16, CX               \
	JNZ  loop                  \
	SUMS256                    \
	VMOVUPS X0, (DI)           \
	VZEROUPPER                 \
	RET

// func dot4BF16AVX512(x *float32, w *byte, n int, out *[4]float32)
TEXT ·dot4BF16AVX512(SB), NOSPLIT, $0-32
	DOTARGS
	MOVQ out+24(FP), DI
	SHLQ $1, R9
	DOTROWS
	DOT512(BF16_512)

// func dot4F16AVX512(x *float32, w *byte, n int, out *[4]float32)
TEXT ·dot4F16AVX512(SB), NOSPLIT, $0-32
	DOTARGS
	MOVQ out+24(FP), DI
	SHLQ $1, R9
	DOTROWS
	DOT512(F16_512)

// func dot4BF16AVX2(x *float32, w *byte, n int, out *[4]float32)
TEXT ·dot4BF16AVX2(SB), NOSPLIT, $0-32
	DOTARGS
	MOVQ out+24(FP), DI
	SHLQ $1, R9
	DOTROWS
	DOT256(BF16_256)

// func dot4F16AVX2(x *float32, w *byte, n int, out *[4]float32)
TEXT ·dot4F16AVX2(SB), NOSPLIT, $0-32
	DOTARGS
	MOVQ out+24(FP), DI
	SHLQ $1, R9
	DOTROWS
	DOT256(F16_256)

// func dot4Q8AVX512(x *float32, w *byte, n, stride int, factors *float32, out *[4]float32)
TEXT ·dot4Q8AVX512(SB), NOSPLIT, $0-48
	DOTARGS
	MOVQ stride+24(FP), R9
	MOVQ out+40(FP), DI
	DOTROWS
	FACTORS
	CLEARSUMS

loop:
	PREFETCHT0 (BX)
	VMOVUPS (SI), Z4
	Q8_512((R8), Z5)
	Q8_512((R8)(R9*1), Z6)
	Q8_512((R8)(R9*2), Z7)
	Q8_512((R8)(R10*1), Z8)
	VMULPS Z4, Z5, Z5
	VMULPS Z4, Z6, Z6
	VMULPS Z4, Z7, Z7
	VMULPS Z4, Z8, Z8
	VFMADD231PS.BCST (R11), Z5, Z0
	VFMADD231PS.BCST (R11)(R12*1), Z6, Z1
	VFMADD231PS.BCST (R11)(R12*2), Z7, Z2
	VFMADD231PS.BCST (R11)(R13*1), Z8, Z3
	ADDQ $64, SI
	ADDQ $16, R8
	ADDQ $64, BX
	ADDQ $4, R11
	SUBQ $16, CX
	JNZ  loop
	SUMS512
	VMOVUPS X0, (DI)
	VZEROUPPER
	RET

#define STEPQ8_256(w0, w1, f, acc) \
	Q8_256(w0, Y6)           \
	Q8_256(w1, Y7)           \
	VBROADCASTSS f, Y8       \
	VMULPS Y4, Y6, Y6        \
	VFMADD231PS Y5, Y7, Y6   \
	VFMADD231PS Y6, Y8, acc

// func dot4Q8AVX2(x *float32, w *byte, n, stride int, factors *float32, out *[4]float32)
TEXT ·dot4Q8AVX2(SB), NOSPLIT, $0-48
	DOTARGS
	MOVQ stride+24(FP), R9
	MOVQ out+40(FP), DI
	DOTROWS
	FACTORS
	CLEARSUMS

loop:
	PREFETCHT0 (BX)
	VMOVUPS (SI), Y4
	VMOVUPS 32(SI), Y5
	STEPQ8_256((R8), 8(R8), (R11), Y0)
	STEPQ8_256((R8)(R9*1), 8(R8)(R9*1), (R11)(R12*1), Y1)
	STEPQ8_256((R8)(R9*2), 8(R8)(R9*2), (R11)(R12*2), Y2)
	STEPQ8_256((R8)(R10*1), 8(R8)(R10*1), (R11)(R13*1), Y3)
	ADDQ $64, SI
	ADDQ $16, R8
	ADDQ $64, BX
	ADDQ $4, R11
	SUBQ $16, CX
	JNZ  loop
	SUMS256
	VMOVUPS X0, (DI)
	VZEROUPPER
	RET

// func dot4Q4AVX512(x *float32, w *byte, n, stride int, factors, summands *float32, out *[4]float32)
TEXT ·dot4Q4AVX512(SB), NOSPLIT, $0-56
	DOTARGS
	MOVQ stride+24(FP), R9
	MOVQ summands+40(FP), DX
	MOVQ out+48(FP), DI
	DOTROWS
	FACTORS
	CONSTSQ4_512
	CLEARSUMS

loop:
	PREFETCHT0 (BX)
	VMOVUPS (SI), Z4
	Q4_512((R8), Z5)
	Q4_512((R8)(R9*1), Z6)
	Q4_512((R8)(R9*2), Z7)
	Q4_512((R8)(R10*1), Z8)
	VBROADCASTSS (R11), Z9
	VBROADCASTSS (R11)(R12*1), Z10
	VBROADCASTSS (R11)(R12*2), Z11
	VBROADCASTSS (R11)(R13*1), Z12
	VFMSUB213PS.BCST (DX), Z9, Z5
	VFMSUB213PS.BCST (DX)(R12*1), Z10, Z6
	VFMSUB213PS.BCST (DX)(R12*2), Z11, Z7
	VFMSUB213PS.BCST (DX)(R13*1), Z12, Z8
	VFMADD231PS Z4, Z5, Z0
	VFMADD231PS Z4, Z6, Z1
	VFMADD231PS Z4, Z7, Z2
	VFMADD231PS Z4, Z8, Z3
	ADDQ $64, SI
	ADDQ $8, R8
	ADDQ $40, BX
	ADDQ $4, R11
	ADDQ $4, DX
	SUBQ $16, CX
	JNZ  loop
	SUMS512
	VMOVUPS X0, (DI)
	VZEROUPPER
	RET

// The sum of a block is factor * (codes x) - summand * (sum of x, in Y9).
#define STEPQ4_256(w, f, s, acc) \
	Q4_256(w, Y6, Y7)        \
	VBROADCASTSS f, Y8       \
	VBROADCASTSS s, Y10      \
	VMULPS Y4, Y6, Y6        \
	VFMADD231PS Y5, Y7, Y6   \
	VFMADD231PS Y6, Y8, acc  \
	VFNMADD231PS Y9, Y10, acc

// func dot4Q4AVX2(x *float32, w *byte, n, stride int, factors, summands *float32, out *[4]float32)
TEXT ·dot4Q4AVX2(SB), NOSPLIT, $0-56
	DOTARGS
	MOVQ stride+24(FP), R9
	MOVQ summands+40(FP), DX
	MOVQ out+48(FP), DI
	DOTROWS
	FACTORS
	CONSTSQ4_256
	CLEARSUMS

loop:
	PREFETCHT0 (BX)
	VMOVUPS (SI), Y4
	VMOVUPS 32(SI), Y5
	VADDPS Y4, Y5, Y9
	STEPQ4_256((R8), (R11), (DX), Y0)
	STEPQ4_256((R8)(R9*1), (R11)(R12*1), (DX)(R12*1), Y1)
	STEPQ4_256((R8)(R9*2), (R11)(R12*2), (DX)(R12*2), Y2)
	STEPQ4_256((R8)(R10*1), (R11)(R13*1), (DX)(R13*1), Y3)
	ADDQ $64, SI
	ADDQ $8, R8
	ADDQ $40, BX
	ADDQ $4, R11
	ADDQ $4, DX
	SUBQ $16, CX
	JNZ  loop
	SUMS256
	VMOVUPS X0, (DI)
	VZEROUPPER
	RET
