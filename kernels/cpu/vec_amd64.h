// Vector functions for AVX2 and FMA, 8 floats at a time. A rest of fewer than
// 8 is loaded and stored under a mask, so that an element's result does not
// depend on its place.
//
// Registers:
//   DI, DX      outputs
//   SI, R8, R9  inputs
//   CX          elements left
//   Y15         mask of the rest; otherwise free
//   Y10..Y14    constants and scalar arguments of the function at hand
//   Y0..Y9      values

// CONST8 is eight copies of a 4-byte constant.
#define CONST8(name, value) \
	DATA name<>+0(SB)/4, value  \
	DATA name<>+4(SB)/4, value  \
	DATA name<>+8(SB)/4, value  \
	DATA name<>+12(SB)/4, value \
	DATA name<>+16(SB)/4, value \
	DATA name<>+20(SB)/4, value \
	DATA name<>+24(SB)/4, value \
	DATA name<>+28(SB)/4, value \
	GLOBL name<>(SB), RODATA|NOPTR, $32

DATA masks<>+0(SB)/8, $-1
DATA masks<>+8(SB)/8, $-1
DATA masks<>+16(SB)/8, $-1
DATA masks<>+24(SB)/8, $-1
DATA masks<>+32(SB)/8, $0
DATA masks<>+40(SB)/8, $0
DATA masks<>+48(SB)/8, $0
DATA masks<>+56(SB)/8, $0
GLOBL masks<>(SB), RODATA|NOPTR, $64

// MASK sets Y15 to select the first CX elements, 0 < CX < 8.
#define MASK \
	LEAQ masks<>+32(SB), AX \
	SHLQ $2, CX             \
	SUBQ CX, AX             \
	VMOVUPS (AX), Y15

// MAPk runs BODY, which computes Y0 from k inputs in Y0, Y1, Y2.
#define MAP1(BODY) \
	SUBQ $8, CX               \
	JL   tail                 \
loop:                         \
	VMOVUPS (SI), Y0          \
	BODY                      \
	VMOVUPS Y0, (DI)          \
	ADDQ $32, SI              \
	ADDQ $32, DI              \
	SUBQ $8, CX               \
	JGE  loop                 \
tail:                         \
	ADDQ $8, CX               \
	JZ   done                 \
	MASK                      \
	VMASKMOVPS (SI), Y15, Y0  \
	BODY                      \
	VMASKMOVPS Y0, Y15, (DI)  \
done:                         \
	VZEROUPPER                \
	RET

#define MAP2(BODY) \
	SUBQ $8, CX               \
	JL   tail                 \
loop:                         \
	VMOVUPS (SI), Y0          \
	VMOVUPS (R8), Y1          \
	BODY                      \
	VMOVUPS Y0, (DI)          \
	ADDQ $32, SI              \
	ADDQ $32, R8              \
	ADDQ $32, DI              \
	SUBQ $8, CX               \
	JGE  loop                 \
tail:                         \
	ADDQ $8, CX               \
	JZ   done                 \
	MASK                      \
	VMASKMOVPS (SI), Y15, Y0  \
	VMASKMOVPS (R8), Y15, Y1  \
	BODY                      \
	VMASKMOVPS Y0, Y15, (DI)  \
done:                         \
	VZEROUPPER                \
	RET

#define MAP3(BODY) \
	SUBQ $8, CX               \
	JL   tail                 \
loop:                         \
	VMOVUPS (SI), Y0          \
	VMOVUPS (R8), Y1          \
	VMOVUPS (R9), Y2          \
	BODY                      \
	VMOVUPS Y0, (DI)          \
	ADDQ $32, SI              \
	ADDQ $32, R8              \
	ADDQ $32, R9              \
	ADDQ $32, DI              \
	SUBQ $8, CX               \
	JGE  loop                 \
tail:                         \
	ADDQ $8, CX               \
	JZ   done                 \
	MASK                      \
	VMASKMOVPS (SI), Y15, Y0  \
	VMASKMOVPS (R8), Y15, Y1  \
	VMASKMOVPS (R9), Y15, Y2  \
	BODY                      \
	VMASKMOVPS Y0, Y15, (DI)  \
done:                         \
	VZEROUPPER                \
	RET

#define ARGS1 \
	MOVQ dst+0(FP), DI \
	MOVQ a+8(FP), SI   \
	MOVQ n+16(FP), CX

#define ARGS2 \
	MOVQ dst+0(FP), DI \
	MOVQ a+8(FP), SI   \
	MOVQ b+16(FP), R8  \
	MOVQ n+24(FP), CX

#define ARGS3 \
	MOVQ dst+0(FP), DI \
	MOVQ a+8(FP), SI   \
	MOVQ b+16(FP), R8  \
	MOVQ c+24(FP), R9  \
	MOVQ n+32(FP), CX
