// Vector functions for NEON, 4 floats at a time. The elements of a rest of
// fewer than 4 go through the same instructions one by one, alone in the lowest
// place of a register, so that an element's result does not depend on its place.
//
// Registers:
//   R0, R1      outputs
//   R2, R3, R4  inputs
//   R5          elements left
//   R6          constants in memory
//   V0..V9      values
//   V10..V31    constants and scalar arguments of the function at hand

// MAPk runs BODY, which computes V0 from k inputs in V0, V1.
#define MAP1(BODY) \
	SUBS $4, R5              \
	BLT  rest                \
loop:                        \
	FMOVQ.P 16(R2), F0       \
	BODY                     \
	FMOVQ.P F0, 16(R0)       \
	SUBS $4, R5              \
	BGE  loop                \
rest:                        \
	ADDS $4, R5              \
	BEQ  done                \
one:                         \
	FMOVS.P 4(R2), F0        \
	BODY                     \
	FMOVS.P F0, 4(R0)        \
	SUBS $1, R5              \
	BNE  one                 \
done:                        \
	RET

#define MAP2(BODY) \
	SUBS $4, R5              \
	BLT  rest                \
loop:                        \
	FMOVQ.P 16(R2), F0       \
	FMOVQ.P 16(R3), F1       \
	BODY                     \
	FMOVQ.P F0, 16(R0)       \
	SUBS $4, R5              \
	BGE  loop                \
rest:                        \
	ADDS $4, R5              \
	BEQ  done                \
one:                         \
	FMOVS.P 4(R2), F0        \
	FMOVS.P 4(R3), F1        \
	BODY                     \
	FMOVS.P F0, 4(R0)        \
	SUBS $1, R5              \
	BNE  one                 \
done:                        \
	RET

// WIDEk runs OP for 16 elements at a time, then 4, then 1. OP computes the
// register of its last argument from k of them.
#define WIDE1(OP) \
	SUBS $16, R5             \
	BLT  narrow              \
wide:                        \
	VLD1.P 64(R2), [V0.S4, V1.S4, V2.S4, V3.S4] \
	OP(0)                    \
	OP(1)                    \
	OP(2)                    \
	OP(3)                    \
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0) \
	SUBS $16, R5             \
	BGE  wide                \
narrow:                      \
	ADD  $16, R5             \
	MAP1(OP(0))

#define WIDE2(OP) \
	SUBS $16, R5             \
	BLT  narrow              \
wide:                        \
	VLD1.P 64(R2), [V0.S4, V1.S4, V2.S4, V3.S4] \
	VLD1.P 64(R3), [V4.S4, V5.S4, V6.S4, V7.S4] \
	OP(4, 0)                 \
	OP(5, 1)                 \
	OP(6, 2)                 \
	OP(7, 3)                 \
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0) \
	SUBS $16, R5             \
	BGE  wide                \
narrow:                      \
	ADD  $16, R5             \
	MAP2(OP(1, 0))

#define ARGS1 \
	MOVD dst+0(FP), R0 \
	MOVD a+8(FP), R2   \
	MOVD n+16(FP), R5

#define ARGS2 \
	MOVD dst+0(FP), R0 \
	MOVD a+8(FP), R2   \
	MOVD b+16(FP), R3  \
	MOVD n+24(FP), R5

// SCALAR reads a scalar argument into the lowest place of a register, EACH into
// all places.
#define SCALAR(arg, f) FMOVS arg, f
#define EACH(arg, f, v) \
	FMOVS arg, f        \
	VDUP  v.S[0], v.S4

// CONST is four copies of a 4-byte constant at an offset of a table.
#define CONST(table, at, value) \
	DATA table<>+at+0(SB)/4, value  \
	DATA table<>+at+4(SB)/4, value  \
	DATA table<>+at+8(SB)/4, value  \
	DATA table<>+at+12(SB)/4, value
