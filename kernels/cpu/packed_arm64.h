// Decoding of packed weights; see tensor.Pack for the formats. Elements come in
// blocks of 16, in four registers.
//
//   V24..V27    places of codes of Q8 in the highest bytes of four integers
//   V28, V29    the two upper bytes of the floats 0 to 15
//   V30         15 in each byte
//   V31         zero

DATA places<>+0x00(SB)/8, $0x01ffffff00ffffff
DATA places<>+0x08(SB)/8, $0x03ffffff02ffffff
DATA places<>+0x10(SB)/8, $0x05ffffff04ffffff
DATA places<>+0x18(SB)/8, $0x07ffffff06ffffff
DATA places<>+0x20(SB)/8, $0x09ffffff08ffffff
DATA places<>+0x28(SB)/8, $0x0bffffff0affffff
DATA places<>+0x30(SB)/8, $0x0dffffff0cffffff
DATA places<>+0x38(SB)/8, $0x0fffffff0effffff
GLOBL places<>(SB), RODATA|NOPTR, $64

DATA codes<>+0x00(SB)/8, $0xe0c0a08040008000
DATA codes<>+0x08(SB)/8, $0x7060504030201000
DATA codes<>+0x10(SB)/8, $0x4040404040403f00
DATA codes<>+0x18(SB)/8, $0x4141414141414141
GLOBL codes<>(SB), RODATA|NOPTR, $32

#define CONSTSQ8 \
	MOVD $places<>(SB), R16 \
	VLD1 (R16), [V24.B16, V25.B16, V26.B16, V27.B16]

#define CONSTSQ4 \
	MOVD  $codes<>(SB), R16      \
	VLD1  (R16), [V28.B16, V29.B16] \
	VMOVI $15, V30.B16           \
	VEOR  V31.B16, V31.B16, V31.B16

// WIDEBF16 and WIDEF16 widen V4, V5 to V4..V7. A bfloat16 is the upper half of a float.
#define WIDEBF16 \
	VZIP1 V5.H8, V31.H8, V6.H8 \
	VZIP2 V5.H8, V31.H8, V7.H8 \
	VZIP2 V4.H8, V31.H8, V5.H8 \
	VZIP1 V4.H8, V31.H8, V4.H8

#define WIDEF16 \
	FCVTL(5, 6)  \
	FCVTL2(5, 7) \
	FCVTL2(4, 5) \
	FCVTL(4, 4)

// WIDEQ8 widens V4 to V4..V7: integers of 24 binary places.
#define WIDEQ8 \
	VTBL V27.B16, [V4.B16], V7.B16 \
	VTBL V26.B16, [V4.B16], V6.B16 \
	VTBL V25.B16, [V4.B16], V5.B16 \
	VTBL V24.B16, [V4.B16], V4.B16 \
	SCVTF(24, 7, 7) \
	SCVTF(24, 6, 6) \
	SCVTF(24, 5, 5) \
	SCVTF(24, 4, 4)

// WIDEQ4 widens the codes of a block to V20..V23, where element i is in register
// 20 + i % 4, as VLD4 and VST4 have them. ZIP is VZIP1 for the first of two
// blocks, VZIP2 for the second. LOOKUPQ4 comes before: it takes two blocks from
// V10, and leaves the two bytes of codes with i % 4 < 2 in V12 and V13, those of
// others in V14 and V15.
#define LOOKUPQ4 \
	VAND  V30.B16, V10.B16, V11.B16   \
	VUSHR $4, V10.B16, V10.B16        \
	VTBL  V11.B16, [V28.B16], V12.B16 \
	VTBL  V11.B16, [V29.B16], V13.B16 \
	VTBL  V10.B16, [V28.B16], V14.B16 \
	VTBL  V10.B16, [V29.B16], V15.B16

#define WIDEQ4(ZIP) \
	ZIP   V13.B16, V12.B16, V21.B16 \
	ZIP   V15.B16, V14.B16, V23.B16 \
	VZIP1 V21.H8, V31.H8, V20.H8    \
	VZIP2 V21.H8, V31.H8, V21.H8    \
	VZIP1 V23.H8, V31.H8, V22.H8    \
	VZIP2 V23.H8, V31.H8, V23.H8
