// Decoding of packed weights; see tensor.Pack for the formats. Elements come in
// blocks of 16.
//
//   Z30         the numbers 0 to 15
//   Z31         places of the 16 codes of a block of Q4
//   Y13         15
//   Y14, Y15    places

DATA codes<>+0(SB)/4, $0.0
DATA codes<>+4(SB)/4, $1.0
DATA codes<>+8(SB)/4, $2.0
DATA codes<>+12(SB)/4, $3.0
DATA codes<>+16(SB)/4, $4.0
DATA codes<>+20(SB)/4, $5.0
DATA codes<>+24(SB)/4, $6.0
DATA codes<>+28(SB)/4, $7.0
DATA codes<>+32(SB)/4, $8.0
DATA codes<>+36(SB)/4, $9.0
DATA codes<>+40(SB)/4, $10.0
DATA codes<>+44(SB)/4, $11.0
DATA codes<>+48(SB)/4, $12.0
DATA codes<>+52(SB)/4, $13.0
DATA codes<>+56(SB)/4, $14.0
DATA codes<>+60(SB)/4, $15.0
GLOBL codes<>(SB), RODATA|NOPTR, $64

DATA places<>+0(SB)/8, $0x0000000000000000
DATA places<>+8(SB)/8, $0x0000000400000004
DATA places<>+16(SB)/8, $0x0000000800000008
DATA places<>+24(SB)/8, $0x0000000c0000000c
DATA places<>+32(SB)/8, $0x0000001000000010
DATA places<>+40(SB)/8, $0x0000001400000014
DATA places<>+48(SB)/8, $0x0000001800000018
DATA places<>+56(SB)/8, $0x0000001c0000001c
GLOBL places<>(SB), RODATA|NOPTR, $64

DATA fifteens<>+0(SB)/4, $15
GLOBL fifteens<>(SB), RODATA|NOPTR, $4
DATA bytemask<>+0(SB)/4, $255
GLOBL bytemask<>(SB), RODATA|NOPTR, $4
DATA scalebias<>+0(SB)/4, $0x38000000
GLOBL scalebias<>(SB), RODATA|NOPTR, $4
DATA sixteenth<>+0(SB)/4, $0.0625
GLOBL sixteenth<>(SB), RODATA|NOPTR, $4

// Decoding: 16 elements at an address.

#define BF16_512(addr, z) \
	VPMOVZXWD addr, z  \
	VPSLLD    $16, z, z

#define F16_512(addr, z) VCVTPH2PS addr, z

#define Q8_512(addr, z) \
	VPMOVSXBD addr, z \
	VCVTDQ2PS z, z

// The shift leaves other codes above the 4 bits that VPERMPS reads.
#define Q4_512(addr, z) \
	VPBROADCASTQ addr, z    \
	VPSRLVD      Z31, z, z  \
	VPERMPS      Z30, z, z

#define BF16_256(addr, y) \
	VPMOVZXWD addr, y  \
	VPSLLD    $16, y, y

#define F16_256(addr, y) VCVTPH2PS addr, y

#define Q8_256(addr, y) \
	VPMOVSXBD addr, y \
	VCVTDQ2PS y, y

#define Q4_256(addr, lo, hi) \
	VPBROADCASTQ addr, hi      \
	VPSRLVD      Y14, hi, lo   \
	VPSRLVD      Y15, hi, hi   \
	VPAND        Y13, lo, lo   \
	VPAND        Y13, hi, hi   \
	VCVTDQ2PS    lo, lo        \
	VCVTDQ2PS    hi, hi

#define CONSTSQ4_512 \
	VMOVUPS codes<>(SB), Z30  \
	VMOVDQU32 places<>(SB), Z31

#define CONSTSQ4_256 \
	VPBROADCASTD fifteens<>(SB), Y13 \
	VMOVDQU      places<>+0(SB), Y14 \
	VMOVDQU      places<>+32(SB), Y15
