//go:build amd64 && !purego

#include "textflag.h"
#include "go_asm.h"

// Registers of both micro-kernels:
//   DI          *tile
//   CX          products left to add
//   R8..R11     rows 0, 3, 6, 9 of a, at the current product
//   DX, SI      strides of a in bytes: from row to row, from product to product
//   BX, R12     row of b, its stride in bytes
//   R14, R13    row of what is added to, then of c; their stride in bytes
//   AX          temporary; rows left to store

// LOAD reads the arguments; R9..R11 are set whether or not those rows exist.
#define LOAD \
	MOVQ t+0(FP), DI      \
	MOVQ tile_k(DI), CX   \
	MOVQ tile_a(DI), R8   \
	MOVQ tile_rs(DI), DX  \
	SHLQ $2, DX           \
	LEAQ (DX)(DX*2), AX   \
	LEAQ (R8)(AX*1), R9   \
	LEAQ (R9)(AX*1), R10  \
	LEAQ (R10)(AX*1), R11 \
	MOVQ tile_ks(DI), SI  \
	SHLQ $2, SI           \
	MOVQ tile_b(DI), BX   \
	MOVQ tile_bs(DI), R12 \
	SHLQ $2, R12          \
	MOVQ tile_ldc(DI), R13 \
	SHLQ $2, R13

// AHEAD points R14 and R15 to what is fetched ahead, with steps R13 and AX.
#define AHEAD \
	MOVQ    tile_aheadA(DI), R14 \
	MOVQ    tile_stepA(DI), R13  \
	TESTQ   R14, R14             \
	CMOVQEQ R8, R14              \
	MOVQ    tile_aheadB(DI), R15 \
	MOVQ    tile_stepB(DI), AX   \
	TESTQ   R15, R15             \
	CMOVQEQ BX, R15

// AVX-512: c in Z0..Z23 (row i in Z(2i), Z(2i+1)), a row of b in Z24 and Z25,
// an element of a in Z26, zero in Z27, bias in Z28 and Z29. K1 and K2 select
// the columns that exist.

#define SET4(z0, z1, z2, z3, z4, z5, z6, z7) \
	VMOVAPS Z28, z0 \
	VMOVAPS Z29, z1 \
	VMOVAPS Z28, z2 \
	VMOVAPS Z29, z3 \
	VMOVAPS Z28, z4 \
	VMOVAPS Z29, z5 \
	VMOVAPS Z28, z6 \
	VMOVAPS Z29, z7

#define FMA512(addr, z0, z1) \
	VBROADCASTSS addr, Z26    \
	VFMADD231PS  Z24, Z26, z0 \
	VFMADD231PS  Z25, Z26, z1

// Of tiles with up to 16 columns only the even registers are computed.
#define FMA512NARROW(addr, z0) VFMADD231PS.BCST addr, Z24, z0

#define LOADB512NARROW \
	VMOVUPS.Z (BX), K1, Z24 \
	ADDQ      R12, BX

#define LOADB512 \
	VMOVUPS.Z (BX), K1, Z24   \
	VMOVUPS.Z 64(BX), K2, Z25 \
	ADDQ      R12, BX

#define STORE512(z0, z1) \
	VMOVUPS z0, K1, (R14)   \
	VMOVUPS z1, K2, 64(R14) \
	ADDQ    R13, R14        \
	DECQ    AX              \
	JZ      done

#define ADDC512(z0, z1) \
	VMOVUPS.Z (R14), K1, Z24   \
	VMOVUPS.Z 64(R14), K2, Z25 \
	VADDPS    Z24, z0, z0      \
	VADDPS    Z25, z1, z1      \
	ADDQ      R13, R14         \
	DECQ      AX               \
	JZ        added

// A NaN stays: VMAXPS gives its second source when one is NaN.
#define RELU512(z0, z1, z2, z3) \
	VMAXPS z0, Z27, z0 \
	VMAXPS z1, Z27, z1 \
	VMAXPS z2, Z27, z2 \
	VMAXPS z3, Z27, z3

// func tile12x32(t *tile)
TEXT ·tile12x32(SB), NOSPLIT, $0-8
	// K1, K2 = the low and high 16 bits of (1 << cols) - 1.
	MOVQ  t+0(FP), DI
	MOVQ  tile_cols(DI), CX
	MOVQ  $1, AX
	SHLQ  CX, AX
	DECQ  AX
	KMOVW AX, K1
	SHRQ  $16, AX
	KMOVW AX, K2
	LOAD

	VPXORD Z27, Z27, Z27
	VMOVAPS Z27, Z28
	VMOVAPS Z27, Z29
	MOVQ tile_bias(DI), AX
	TESTQ AX, AX
	JZ    nobias
	VMOVUPS.Z (AX), K1, Z28
	VMOVUPS.Z 64(AX), K2, Z29

nobias:
	SET4(Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7)
	SET4(Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15)
	SET4(Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23)
	TESTQ CX, CX
	JZ    summed
	MOVQ  tile_rows(DI), AX
	CMPQ  CX, $64
	JLT   fetched
	MOVQ  tile_c(DI), R14

	// C is needed in the end; short sums have it in the cache.
fetch:
	PREFETCHT0 (R14)
	PREFETCHT0 64(R14)
	PREFETCHT0 124(R14)
	ADDQ  R13, R14
	DECQ  AX
	JNZ   fetch
	MOVQ  tile_rows(DI), AX

fetched:
	CMPQ  tile_cols(DI), $16
	JLE   narrow
	CMPQ  AX, $4
	JLE   loop4
	CMPQ  AX, $8
	JLE   loop8

	AHEAD

loop12:
	LOADB512
	FMA512((R8), Z0, Z1)
	FMA512((R8)(DX*1), Z2, Z3)
	FMA512((R8)(DX*2), Z4, Z5)
	FMA512((R9), Z6, Z7)
	FMA512((R9)(DX*1), Z8, Z9)
	FMA512((R9)(DX*2), Z10, Z11)
	FMA512((R10), Z12, Z13)
	FMA512((R10)(DX*1), Z14, Z15)
	FMA512((R10)(DX*2), Z16, Z17)
	FMA512((R11), Z18, Z19)
	FMA512((R11)(DX*1), Z20, Z21)
	FMA512((R11)(DX*2), Z22, Z23)
	ADDQ SI, R8
	ADDQ SI, R9
	ADDQ SI, R10
	ADDQ SI, R11
	PREFETCHT1 (R14)
	ADDQ R13, R14
	PREFETCHT1 (R15)
	ADDQ AX, R15
	DECQ CX
	JNZ  loop12
	MOVQ tile_ldc(DI), R13
	SHLQ $2, R13
	JMP  summed

loop8:
	LOADB512
	FMA512((R8), Z0, Z1)
	FMA512((R8)(DX*1), Z2, Z3)
	FMA512((R8)(DX*2), Z4, Z5)
	FMA512((R9), Z6, Z7)
	FMA512((R9)(DX*1), Z8, Z9)
	FMA512((R9)(DX*2), Z10, Z11)
	FMA512((R10), Z12, Z13)
	FMA512((R10)(DX*1), Z14, Z15)
	ADDQ SI, R8
	ADDQ SI, R9
	ADDQ SI, R10
	DECQ CX
	JNZ  loop8
	JMP  summed

loop4:
	LOADB512
	FMA512((R8), Z0, Z1)
	FMA512((R8)(DX*1), Z2, Z3)
	FMA512((R8)(DX*2), Z4, Z5)
	FMA512((R9), Z6, Z7)
	ADDQ SI, R8
	ADDQ SI, R9
	DECQ CX
	JNZ  loop4
	JMP  summed

narrow:
	CMPQ  AX, $4
	JLE   narrow4
	CMPQ  AX, $8
	JLE   narrow8

narrow12:
	LOADB512NARROW
	FMA512NARROW((R8), Z0)
	FMA512NARROW((R8)(DX*1), Z2)
	FMA512NARROW((R8)(DX*2), Z4)
	FMA512NARROW((R9), Z6)
	FMA512NARROW((R9)(DX*1), Z8)
	FMA512NARROW((R9)(DX*2), Z10)
	FMA512NARROW((R10), Z12)
	FMA512NARROW((R10)(DX*1), Z14)
	FMA512NARROW((R10)(DX*2), Z16)
	FMA512NARROW((R11), Z18)
	FMA512NARROW((R11)(DX*1), Z20)
	FMA512NARROW((R11)(DX*2), Z22)
	ADDQ SI, R8
	ADDQ SI, R9
	ADDQ SI, R10
	ADDQ SI, R11
	DECQ CX
	JNZ  narrow12
	JMP  summed

narrow8:
	LOADB512NARROW
	FMA512NARROW((R8), Z0)
	FMA512NARROW((R8)(DX*1), Z2)
	FMA512NARROW((R8)(DX*2), Z4)
	FMA512NARROW((R9), Z6)
	FMA512NARROW((R9)(DX*1), Z8)
	FMA512NARROW((R9)(DX*2), Z10)
	FMA512NARROW((R10), Z12)
	FMA512NARROW((R10)(DX*1), Z14)
	ADDQ SI, R8
	ADDQ SI, R9
	ADDQ SI, R10
	DECQ CX
	JNZ  narrow8
	JMP  summed

narrow4:
	LOADB512NARROW
	FMA512NARROW((R8), Z0)
	FMA512NARROW((R8)(DX*1), Z2)
	FMA512NARROW((R8)(DX*2), Z4)
	FMA512NARROW((R9), Z6)
	ADDQ SI, R8
	ADDQ SI, R9
	DECQ CX
	JNZ  narrow4

summed:
	MOVQ  tile_flags(DI), CX
	MOVQ  tile_from(DI), R14
	TESTQ R14, R14
	JZ    added
	MOVQ  tile_rows(DI), AX
	ADDC512(Z0, Z1)
	ADDC512(Z2, Z3)
	ADDC512(Z4, Z5)
	ADDC512(Z6, Z7)
	ADDC512(Z8, Z9)
	ADDC512(Z10, Z11)
	ADDC512(Z12, Z13)
	ADDC512(Z14, Z15)
	ADDC512(Z16, Z17)
	ADDC512(Z18, Z19)
	ADDC512(Z20, Z21)
	ADDC512(Z22, Z23)

added:
	TESTQ $const_tileReLU, CX
	JZ    store
	RELU512(Z0, Z1, Z2, Z3)
	RELU512(Z4, Z5, Z6, Z7)
	RELU512(Z8, Z9, Z10, Z11)
	RELU512(Z12, Z13, Z14, Z15)
	RELU512(Z16, Z17, Z18, Z19)
	RELU512(Z20, Z21, Z22, Z23)

store:
	MOVQ tile_rows(DI), AX
	MOVQ tile_c(DI), R14
	STORE512(Z0, Z1)
	STORE512(Z2, Z3)
	STORE512(Z4, Z5)
	STORE512(Z6, Z7)
	STORE512(Z8, Z9)
	STORE512(Z10, Z11)
	STORE512(Z12, Z13)
	STORE512(Z14, Z15)
	STORE512(Z16, Z17)
	STORE512(Z18, Z19)
	STORE512(Z20, Z21)
	STORE512(Z22, Z23)

done:
	VZEROUPPER
	RET

// AVX2: c in Y0..Y11 (row i in Y(2i), Y(2i+1)), a row of b in Y12 and Y13, an
// element of a in Y14, zero in Y15. Always a full tile.

#define FMA256(addr, y0, y1) \
	VBROADCASTSS addr, Y14    \
	VFMADD231PS  Y12, Y14, y0 \
	VFMADD231PS  Y13, Y14, y1

#define STEP256 \
	VMOVUPS (BX), Y12             \
	VMOVUPS 32(BX), Y13           \
	ADDQ    R12, BX               \
	FMA256((R8), Y0, Y1)          \
	FMA256((R8)(DX*1), Y2, Y3)    \
	FMA256((R8)(DX*2), Y4, Y5)    \
	FMA256((R9), Y6, Y7)          \
	FMA256((R9)(DX*1), Y8, Y9)    \
	FMA256((R9)(DX*2), Y10, Y11)  \
	ADDQ    SI, R8                \
	ADDQ    SI, R9

#define ADDC256(y0, y1) \
	VADDPS (R14), y0, y0   \
	VADDPS 32(R14), y1, y1 \
	ADDQ   R13, R14

#define RELU256(y0, y1) \
	VMAXPS y0, Y15, y0 \
	VMAXPS y1, Y15, y1

#define STORE256(y0, y1) \
	VMOVUPS y0, (R14)   \
	VMOVUPS y1, 32(R14) \
	ADDQ    R13, R14

// func tile6x16(t *tile)
TEXT ·tile6x16(SB), NOSPLIT, $0-8
	LOAD
	VXORPS Y15, Y15, Y15
	VMOVAPS Y15, Y12
	VMOVAPS Y15, Y13
	MOVQ tile_bias(DI), AX
	TESTQ AX, AX
	JZ    nobias
	VMOVUPS (AX), Y12
	VMOVUPS 32(AX), Y13

nobias:
	VMOVAPS Y12, Y0
	VMOVAPS Y13, Y1
	VMOVAPS Y12, Y2
	VMOVAPS Y13, Y3
	VMOVAPS Y12, Y4
	VMOVAPS Y13, Y5
	VMOVAPS Y12, Y6
	VMOVAPS Y13, Y7
	VMOVAPS Y12, Y8
	VMOVAPS Y13, Y9
	VMOVAPS Y12, Y10
	VMOVAPS Y13, Y11
	TESTQ CX, CX
	JZ    summed
	CMPQ  CX, $64
	JLT   fetched
	MOVQ  tile_c(DI), R14
	MOVQ  $6, AX

fetch:
	PREFETCHT0 (R14)
	PREFETCHT0 60(R14)
	ADDQ R13, R14
	DECQ AX
	JNZ  fetch

fetched:
	AHEAD

loop:
	PREFETCHT0 (BX)(R12*8)
	STEP256
	PREFETCHT1 (R14)
	ADDQ R13, R14
	PREFETCHT1 (R15)
	ADDQ AX, R15
	DECQ CX
	JNZ  loop
	MOVQ tile_ldc(DI), R13
	SHLQ $2, R13

summed:
	MOVQ  tile_flags(DI), CX
	MOVQ  tile_from(DI), R14
	TESTQ R14, R14
	JZ    added
	ADDC256(Y0, Y1)
	ADDC256(Y2, Y3)
	ADDC256(Y4, Y5)
	ADDC256(Y6, Y7)
	ADDC256(Y8, Y9)
	ADDC256(Y10, Y11)

added:
	TESTQ $const_tileReLU, CX
	JZ    store
	RELU256(Y0, Y1)
	RELU256(Y2, Y3)
	RELU256(Y4, Y5)
	RELU256(Y6, Y7)
	RELU256(Y8, Y9)
	RELU256(Y10, Y11)

store:
	MOVQ tile_c(DI), R14
	STORE256(Y0, Y1)
	STORE256(Y2, Y3)
	STORE256(Y4, Y5)
	STORE256(Y6, Y7)
	STORE256(Y8, Y9)
	STORE256(Y10, Y11)
	VZEROUPPER
	RET
