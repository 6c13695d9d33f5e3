//go:build amd64 && !purego

#include "textflag.h"
#include "vec_amd64.h"

// Scalar products of four rows of x with four rows of w:
// out[i][r] = sum of x[i][l] w[r stride + l], l < n.
//
//   SI, R11, R12, R13   rows of x
//   R8                  row 0 of w
//   R9, R10             bytes from row to row, of three rows
//   CX                  elements left
//   DI                  out
//
// AVX-512: sums of row i of x in Z(4i)..Z(4i+3), x in Z16..Z19, w in Z20, the
// elements of the rest in K1.
// AVX2: sums of two rows of w at a time: row i of x in Y(2i), Y(2i+1); w in Y8
// and Y9, x in Y10; DX counts the pairs.

#define ROWS4 \
	MOVQ x+0(FP), AX       \
	MOVQ 0(AX), SI         \
	MOVQ 8(AX), R11        \
	MOVQ 16(AX), R12       \
	MOVQ 24(AX), R13       \
	MOVQ n+24(FP), CX

#define FMA4(x0, x1, x2, x3, z0, z1, z2, z3) \
	VFMADD231PS x0, Z20, z0 \
	VFMADD231PS x1, Z20, z1 \
	VFMADD231PS x2, Z20, z2 \
	VFMADD231PS x3, Z20, z3

// STEP512 multiplies what LOAD reads.
#define STEP512(LOAD) \
	LOAD((SI), Z16)        \
	LOAD((R11), Z17)       \
	LOAD((R12), Z18)       \
	LOAD((R13), Z19)       \
	LOAD((R8), Z20)        \
	FMA4(Z16, Z17, Z18, Z19, Z0, Z4, Z8, Z12)  \
	LOAD((R8)(R9*1), Z20)  \
	FMA4(Z16, Z17, Z18, Z19, Z1, Z5, Z9, Z13)  \
	LOAD((R8)(R9*2), Z20)  \
	FMA4(Z16, Z17, Z18, Z19, Z2, Z6, Z10, Z14) \
	LOAD((R8)(R10*1), Z20) \
	FMA4(Z16, Z17, Z18, Z19, Z3, Z7, Z11, Z15)

#define LOADALL(addr, z) VMOVUPS addr, z
#define LOADSOME(addr, z) VMOVUPS.Z addr, K1, z

#define CLEAR4(z0, z1, z2, z3) \
	VPXORD z0, z0, z0 \
	VPXORD z1, z1, z1 \
	VPXORD z2, z2, z2 \
	VPXORD z3, z3, z3

// ADD4 adds the elements of each of four registers into those of X21, which
// it stores.
#define ADD4(z0, z1, z2, z3, y0, y1, y2, y3, x0, to) \
	VEXTRACTF64X4 $1, z0, Y20 \
	VEXTRACTF64X4 $1, z1, Y21 \
	VEXTRACTF64X4 $1, z2, Y22 \
	VEXTRACTF64X4 $1, z3, Y23 \
	VADDPS Y20, y0, y0        \
	VADDPS Y21, y1, y1        \
	VADDPS Y22, y2, y2        \
	VADDPS Y23, y3, y3        \
	VHADDPS y1, y0, y0        \
	VHADDPS y3, y2, y2        \
	VHADDPS y2, y0, y0        \
	VEXTRACTF32X4 $1, y0, X21 \
	VADDPS X21, x0, X21       \
	VMOVUPS X21, to

// func dot4x4AVX512(x *[4]*float32, w *float32, stride, n int, out *[4][4]float32)
TEXT ·dot4x4AVX512(SB), NOSPLIT, $0-40
	ROWS4
	MOVQ w+8(FP), R8
	MOVQ stride+16(FP), R9
	MOVQ out+32(FP), DI
	SHLQ $2, R9
	LEAQ (R9)(R9*2), R10
	CLEAR4(Z0, Z1, Z2, Z3)
	CLEAR4(Z4, Z5, Z6, Z7)
	CLEAR4(Z8, Z9, Z10, Z11)
	CLEAR4(Z12, Z13, Z14, Z15)
	SUBQ $16, CX
	JL   rest

loop:
	STEP512(LOADALL)
	ADDQ $64, SI
	ADDQ $64, R11
	ADDQ $64, R12
	ADDQ $64, R13
	ADDQ $64, R8
	SUBQ $16, CX
	JGE  loop

rest:
	ADDQ $16, CX
	JZ   add
	MOVQ $1, AX
	SHLQ CX, AX
	DECQ AX
	KMOVW AX, K1
	STEP512(LOADSOME)

add:
	ADD4(Z0, Z1, Z2, Z3, Y0, Y1, Y2, Y3, X0, 0(DI))
	ADD4(Z4, Z5, Z6, Z7, Y4, Y5, Y6, Y7, X4, 16(DI))
	ADD4(Z8, Z9, Z10, Z11, Y8, Y9, Y10, Y11, X8, 32(DI))
	ADD4(Z12, Z13, Z14, Z15, Y12, Y13, Y14, Y15, X12, 48(DI))
	VZEROUPPER
	RET

#define STEP256(addr, y0, y1) \
	VMOVUPS addr, Y10        \
	VFMADD231PS Y8, Y10, y0  \
	VFMADD231PS Y9, Y10, y1

#define STEP256REST(addr, y0, y1) \
	VMASKMOVPS addr, Y15, Y10 \
	VFMADD231PS Y8, Y10, y0   \
	VFMADD231PS Y9, Y10, y1

// ADD2 stores the sums of two rows of w.
#define ADD2(y0, y1, x0, to) \
	VHADDPS y1, y0, y0       \
	VHADDPS y0, y0, y0       \
	VEXTRACTF128 $1, y0, X10 \
	VADDPS X10, x0, x0       \
	VMOVSD x0, to

// func dot4x4AVX2(x *[4]*float32, w *float32, stride, n int, out *[4][4]float32)
TEXT ·dot4x4AVX2(SB), NOSPLIT, $0-40
	MOVQ w+8(FP), R8
	MOVQ stride+16(FP), R9
	MOVQ out+32(FP), DI
	SHLQ $2, R9
	MOVQ $2, DX

pair:
	ROWS4
	MOVQ R8, R10
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3
	VXORPS Y4, Y4, Y4
	VXORPS Y5, Y5, Y5
	VXORPS Y6, Y6, Y6
	VXORPS Y7, Y7, Y7
	SUBQ $8, CX
	JL   rest

loop:
	VMOVUPS (R8), Y8
	VMOVUPS (R8)(R9*1), Y9
	STEP256((SI), Y0, Y1)
	STEP256((R11), Y2, Y3)
	STEP256((R12), Y4, Y5)
	STEP256((R13), Y6, Y7)
	ADDQ $32, SI
	ADDQ $32, R11
	ADDQ $32, R12
	ADDQ $32, R13
	ADDQ $32, R8
	SUBQ $8, CX
	JGE  loop

rest:
	ADDQ $8, CX
	JZ   add
	MASK
	VMASKMOVPS (R8), Y15, Y8
	VMASKMOVPS (R8)(R9*1), Y15, Y9
	STEP256REST((SI), Y0, Y1)
	STEP256REST((R11), Y2, Y3)
	STEP256REST((R12), Y4, Y5)
	STEP256REST((R13), Y6, Y7)

add:
	ADD2(Y0, Y1, X0, 0(DI))
	ADD2(Y2, Y3, X2, 16(DI))
	ADD2(Y4, Y5, X4, 32(DI))
	ADD2(Y6, Y7, X6, 48(DI))
	ADDQ $8, DI
	LEAQ (R10)(R9*2), R8
	DECQ DX
	JNZ  pair
	VZEROUPPER
	RET
