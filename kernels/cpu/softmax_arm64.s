//go:build arm64 && !purego

#include "textflag.h"
#include "neon_arm64.h"
#include "vec_arm64.h"
#include "exp_arm64.h"

// The exponential of rows, and passes over scores of attention.

#define SCALEDEXP \
	FSUB(30, 0, 0)     \
	FMULE(0, 31, 0, 0) \
	EXP

// exp((a - t) s), t in V30, s in V31
//
// func expVector(dst, a *float32, n int, t, s float32)
TEXT ·expVector(SB), NOSPLIT, $0-32
	ARGS1
	EACH(t+24(FP), F30, V30)
	SCALAR(s+28(FP), F31)
	CONSTS
	MAP1(SCALEDEXP)

// The same, and the sum of dst: of fours in V4, of the rest in F5.
//
// func expSumVector(dst, a *float32, n int, t, s float32) float32
TEXT ·expSumVector(SB), NOSPLIT, $0-36
	ARGS1
	EACH(t+24(FP), F30, V30)
	SCALAR(s+28(FP), F31)
	CONSTS
	VEOR V4.B16, V4.B16, V4.B16
	VEOR V5.B16, V5.B16, V5.B16
	SUBS $4, R5
	BLT  rest

loop:
	FMOVQ.P 16(R2), F0
	SCALEDEXP
	FMOVQ.P F0, 16(R0)
	FADD(0, 4, 4)
	SUBS $4, R5
	BGE  loop

rest:
	ADDS $4, R5
	BEQ  add

one:
	FMOVS.P 4(R2), F0
	SCALEDEXP
	FMOVS.P F0, 4(R0)
	FADDS F0, F5, F5
	SUBS $1, R5
	BNE  one

add:
	FADDP(4, 4, 4)
	FADDP2(4, 4)
	FADDS F5, F4, F4
	FMOVS F4, ret+32(FP)
	RET

// SOFTMAXBACK: weight V0 = exp((V0 - t) scale), gradient V4 = (V4 - delta) scale
// V0; t in V30, scale in V31, delta in V20.
#define SOFTMAXBACK \
	SCALEDEXP          \
	FSUB(20, 4, 4)     \
	FMULE(0, 31, 4, 4) \
	FMUL(0, 4, 4)

// func softmaxBackVector(weights, grads *float32, n int, t, scale, delta float32)
TEXT ·softmaxBackVector(SB), NOSPLIT, $0-36
	MOVD weights+0(FP), R0
	MOVD grads+8(FP), R1
	MOVD n+16(FP), R5
	EACH(t+24(FP), F30, V30)
	SCALAR(scale+28(FP), F31)
	EACH(delta+32(FP), F20, V20)
	CONSTS
	SUBS $4, R5
	BLT  rest

loop:
	FMOVQ (R0), F0
	FMOVQ (R1), F4
	SOFTMAXBACK
	FMOVQ.P F0, 16(R0)
	FMOVQ.P F4, 16(R1)
	SUBS $4, R5
	BGE  loop

rest:
	ADDS $4, R5
	BEQ  done

one:
	FMOVS (R0), F0
	FMOVS (R1), F4
	SOFTMAXBACK
	FMOVS.P F0, 4(R0)
	FMOVS.P F4, 4(R1)
	SUBS $1, R5
	BNE  one

done:
	RET
