// The exponential function, and constants of all functions made of it:
//
//   V21   1/sqrt 2, 1/2, -1/2, 1/4
//   V22   1/sqrt 2 pi
//   V23   log2 e, ln 2 in two parts
//   V24   127
//   V25   -104, V26 89
//   V27   1
//   V28   -4, V29 4
//
// Coefficients of polynomials are loaded where a multiply-add overwrites them.

DATA table<>+0x00(SB)/4, $0.70710678118654752
DATA table<>+0x04(SB)/4, $0.5
DATA table<>+0x08(SB)/4, $-0.5
DATA table<>+0x0c(SB)/4, $0.25
DATA table<>+0x10(SB)/4, $0.39894228040143268
DATA table<>+0x20(SB)/4, $1.44269504088896341
DATA table<>+0x24(SB)/4, $0.693359375
DATA table<>+0x28(SB)/4, $-2.12194440e-4
CONST(table, 0x30, $127)
CONST(table, 0x40, $-104.0)
CONST(table, 0x50, $89.0)
CONST(table, 0x60, $1.0)
CONST(table, 0x70, $-4.0)
CONST(table, 0x80, $4.0)

// exp, from the highest power down
CONST(table, 0x90, $1.9875691500e-4)
CONST(table, 0xa0, $1.3981999507e-3)
CONST(table, 0xb0, $8.3334519073e-3)
CONST(table, 0xc0, $4.1665795894e-2)
CONST(table, 0xd0, $1.6666665459e-1)
CONST(table, 0xe0, $5.0000001201e-1)

// erf, numerator
CONST(table, 0xf0, $-2.72614225801306e-10)
CONST(table, 0x100, $2.77068142495902e-08)
CONST(table, 0x110, $-2.10102402082508e-06)
CONST(table, 0x120, $-5.69250639462346e-05)
CONST(table, 0x130, $-7.34990630326855e-04)
CONST(table, 0x140, $-2.95459980854025e-03)
CONST(table, 0x150, $-1.60960333262415e-02)

// erf, denominator
CONST(table, 0x160, $-1.45660718464996e-05)
CONST(table, 0x170, $-2.13374055278905e-04)
CONST(table, 0x180, $-1.68282697438203e-03)
CONST(table, 0x190, $-7.37332916720468e-03)
CONST(table, 0x1a0, $-1.42647390514189e-02)

// Where truncated exponentials stop growing.
CONST(table, 0x1b0, $15.0)

GLOBL table<>(SB), RODATA|NOPTR, $0x1c0

#define CONSTS \
	MOVD  $table<>(SB), R6 \
	FMOVQ 0x00(R6), F21    \
	FMOVQ 0x10(R6), F22    \
	FMOVQ 0x20(R6), F23    \
	FMOVQ 0x30(R6), F24    \
	FMOVQ 0x40(R6), F25    \
	FMOVQ 0x50(R6), F26    \
	FMOVQ 0x60(R6), F27    \
	FMOVQ 0x70(R6), F28    \
	FMOVQ 0x80(R6), F29

// EXP is V0 = exp(V0) to 1e-7, clobbering V1..V3. The argument is clamped where
// the result overflows or vanishes; a NaN stays. Then exp(x) = 2^n exp(r),
// |r| <= ln(2)/2, with the polynomial of Cephes' expf for exp(r). 2^n comes in
// two factors, to reach infinity and denormals.
#define EXP \
	FMIN(26, 0, 0)              \
	FMAX(25, 0, 0)              \
	FMULE(0, 23, 0, 1)          \
	FRINTN(1, 1)                \
	FMLSE(1, 23, 1, 0)          \
	FMLSE(2, 23, 1, 0)          \
	FCVTZS(1, 1)                \
	FMOVQ 0x90(R6), F2          \
	FMOVQ 0xa0(R6), F3          \
	FMLA(2, 0, 3)               \
	FMOVQ 0xb0(R6), F2          \
	FMLA(3, 0, 2)               \
	FMOVQ 0xc0(R6), F3          \
	FMLA(2, 0, 3)               \
	FMOVQ 0xd0(R6), F2          \
	FMLA(3, 0, 2)               \
	FMOVQ 0xe0(R6), F3          \
	FMLA(2, 0, 3)               \
	FMUL(0, 0, 2)               \
	FMLA(2, 3, 0)               \
	FADD(27, 0, 0)              \
	SSHR(1, 1, 2)               \
	VSUB V2.S4, V1.S4, V1.S4    \
	VADD V24.S4, V2.S4, V2.S4   \
	VSHL $23, V2.S4, V2.S4      \
	VADD V24.S4, V1.S4, V1.S4   \
	VSHL $23, V1.S4, V1.S4      \
	FMUL(2, 0, 0)               \
	FMUL(1, 0, 0)
