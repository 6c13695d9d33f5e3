// Instructions of ARMv8.0 that Go's assembler does not know. Arguments are
// numbers of vector registers in Go's order, the destination last; without
// another arrangement, registers are four floats. Behind each macro stands the
// instruction in the notation of the manual: TestNEONEncodings gives it to GNU
// as, for several registers, and compares.

// d = n + m, n - m, n m, n / m
#define FADD(m, n, d) WORD $(0x4e20d400 | (m)<<16 | (n)<<5 | (d)) // fadd v{d}.4s, v{n}.4s, v{m}.4s
#define FSUB(m, n, d) WORD $(0x4ea0d400 | (m)<<16 | (n)<<5 | (d)) // fsub v{d}.4s, v{n}.4s, v{m}.4s
#define FMUL(m, n, d) WORD $(0x6e20dc00 | (m)<<16 | (n)<<5 | (d)) // fmul v{d}.4s, v{n}.4s, v{m}.4s
#define FDIV(m, n, d) WORD $(0x6e20fc00 | (m)<<16 | (n)<<5 | (d)) // fdiv v{d}.4s, v{n}.4s, v{m}.4s

// d = the larger, the smaller of n and m; NaN if one is
#define FMAX(m, n, d) WORD $(0x4e20f400 | (m)<<16 | (n)<<5 | (d)) // fmax v{d}.4s, v{n}.4s, v{m}.4s
#define FMIN(m, n, d) WORD $(0x4ea0f400 | (m)<<16 | (n)<<5 | (d)) // fmin v{d}.4s, v{n}.4s, v{m}.4s

// d += n m, d -= n m
#define FMLA(m, n, d) WORD $(0x4e20cc00 | (m)<<16 | (n)<<5 | (d)) // fmla v{d}.4s, v{n}.4s, v{m}.4s
#define FMLS(m, n, d) WORD $(0x4ea0cc00 | (m)<<16 | (n)<<5 | (d)) // fmls v{d}.4s, v{n}.4s, v{m}.4s

// d += n m[i], d -= n m[i], d = n m[i]
#define FMLAE(i, m, n, d) WORD $(0x4f801000 | ((i)&1)<<21 | ((i)>>1)<<11 | (m)<<16 | (n)<<5 | (d)) // fmla v{d}.4s, v{n}.4s, v{m}.s[{i}]
#define FMLSE(i, m, n, d) WORD $(0x4f805000 | ((i)&1)<<21 | ((i)>>1)<<11 | (m)<<16 | (n)<<5 | (d)) // fmls v{d}.4s, v{n}.4s, v{m}.s[{i}]
#define FMULE(i, m, n, d) WORD $(0x4f809000 | ((i)&1)<<21 | ((i)>>1)<<11 | (m)<<16 | (n)<<5 | (d)) // fmul v{d}.4s, v{n}.4s, v{m}.s[{i}]

// d = n0 + n1, n2 + n3, m0 + m1, m2 + m3; d0 = n0 + n1
#define FADDP(m, n, d) WORD $(0x6e20d400 | (m)<<16 | (n)<<5 | (d)) // faddp v{d}.4s, v{n}.4s, v{m}.4s
#define FADDP2(n, d) WORD $(0x7e30d800 | (n)<<5 | (d)) // faddp s{d}, v{n}.2s

// d0 = the largest element of n
#define FMAXV(n, d) WORD $(0x6e30f800 | (n)<<5 | (d)) // fmaxv s{d}, v{n}.4s

// d = -1 where n > m, n >= m, n = m, else 0
#define FCMGT(m, n, d) WORD $(0x6ea0e400 | (m)<<16 | (n)<<5 | (d)) // fcmgt v{d}.4s, v{n}.4s, v{m}.4s
#define FCMGE(m, n, d) WORD $(0x6e20e400 | (m)<<16 | (n)<<5 | (d)) // fcmge v{d}.4s, v{n}.4s, v{m}.4s
#define FCMEQ(m, n, d) WORD $(0x4e20e400 | (m)<<16 | (n)<<5 | (d)) // fcmeq v{d}.4s, v{n}.4s, v{m}.4s

// d = square root, negative, absolute value, nearest integer (even) of n
#define FSQRT(n, d) WORD $(0x6ea1f800 | (n)<<5 | (d)) // fsqrt v{d}.4s, v{n}.4s
#define FNEG(n, d) WORD $(0x6ea0f800 | (n)<<5 | (d)) // fneg v{d}.4s, v{n}.4s
#define FABS(n, d) WORD $(0x4ea0f800 | (n)<<5 | (d)) // fabs v{d}.4s, v{n}.4s
#define FRINTN(n, d) WORD $(0x4e218800 | (n)<<5 | (d)) // frintn v{d}.4s, v{n}.4s

// Conversions: to signed integers; from signed and unsigned integers with b
// binary places; from the lower and upper four float16
#define FCVTZS(n, d) WORD $(0x4ea1b800 | (n)<<5 | (d)) // fcvtzs v{d}.4s, v{n}.4s
#define SCVTF(b, n, d) WORD $(0x4f00e400 | (64-(b))<<16 | (n)<<5 | (d)) // scvtf v{d}.4s, v{n}.4s, #{b}
#define UCVTF(b, n, d) WORD $(0x6f00e400 | (64-(b))<<16 | (n)<<5 | (d)) // ucvtf v{d}.4s, v{n}.4s, #{b}
#define FCVTL(n, d) WORD $(0x0e217800 | (n)<<5 | (d)) // fcvtl v{d}.4s, v{n}.4h
#define FCVTL2(n, d) WORD $(0x4e217800 | (n)<<5 | (d)) // fcvtl2 v{d}.4s, v{n}.8h

// Integers: product; n shifted left by m (right where m is negative); n
// shifted right by b with its sign; -1 where n > m without sign; n without the
// bits of m
#define MUL(m, n, d) WORD $(0x4ea09c00 | (m)<<16 | (n)<<5 | (d)) // mul v{d}.4s, v{n}.4s, v{m}.4s
#define USHL(m, n, d) WORD $(0x6ea04400 | (m)<<16 | (n)<<5 | (d)) // ushl v{d}.4s, v{n}.4s, v{m}.4s
#define SSHR(b, n, d) WORD $(0x4f000400 | (64-(b))<<16 | (n)<<5 | (d)) // sshr v{d}.4s, v{n}.4s, #{b}
#define CMHI(m, n, d) WORD $(0x6ea03400 | (m)<<16 | (n)<<5 | (d)) // cmhi v{d}.4s, v{n}.4s, v{m}.4s
#define BIC(m, n, d) WORD $(0x4e601c00 | (m)<<16 | (n)<<5 | (d)) // bic v{d}.16b, v{n}.16b, v{m}.16b
