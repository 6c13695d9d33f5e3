package cpu

// tile is the argument of a micro-kernel: a block of C, held in registers
// while k products are added to it.
//
//	acc[i][j] = bias[j] + sum over l of a[i*rs + l*ks] * b[l*bs + j]
//	c[i*ldc + j] = relu(acc[i][j] + from[i*ldc + j])
//
// for i < rows, j < cols. Strides are in elements.
type tile struct {
	k     int
	a     *float32
	rs    int
	ks    int
	b     *float32
	bs    int
	c     *float32
	ldc   int
	bias  *float32 // nil for none
	from  *float32 // what is added to; nil for none, c itself to add to c
	rows  int
	cols  int
	flags int
	// aheadA and aheadB are memory that will be needed soon, or nil: with each
	// product the micro-kernels for amd64 fetch the line there into the
	// second-level cache and add a step, in bytes.
	aheadA *float32
	stepA  int
	aheadB *float32
	stepB  int
}

const tileReLU = 1 // else relu is left out

// kernel is a micro-kernel and the shape of its full tile.
type kernel struct {
	mr, nr int
	// edge tells that run takes any rows <= mr and cols <= nr (reading a in
	// full multiples of 4 rows). Otherwise edge tiles are computed in full, on
	// padded panels, and copied.
	edge bool
	// strips tells that run reads rows of a side by side: rs is 1.
	strips bool
	run    func(t *tile)
}

// portableTile is a 4x4 tile in Go.
var portableTile = kernel{mr: 4, nr: 4, run: tile4x4}

func tile4x4(t *tile) {
	var c00, c01, c02, c03, c10, c11, c12, c13, c20, c21, c22, c23, c30, c31, c32, c33 float32
	if t.bias != nil {
		b := floatsAt(t.bias, 4)
		c00, c01, c02, c03 = b[0], b[1], b[2], b[3]
		c10, c11, c12, c13 = b[0], b[1], b[2], b[3]
		c20, c21, c22, c23 = b[0], b[1], b[2], b[3]
		c30, c31, c32, c33 = b[0], b[1], b[2], b[3]
	}
	if t.k > 0 {
		a := floatsAt(t.a, 3*t.rs+(t.k-1)*t.ks+1)
		b := floatsAt(t.b, (t.k-1)*t.bs+4)
		for l := range t.k {
			bl := b[l*t.bs : l*t.bs+4 : l*t.bs+4]
			b0, b1, b2, b3 := bl[0], bl[1], bl[2], bl[3]
			o := l * t.ks
			x := a[o]
			c00 += x * b0
			c01 += x * b1
			c02 += x * b2
			c03 += x * b3
			x = a[o+t.rs]
			c10 += x * b0
			c11 += x * b1
			c12 += x * b2
			c13 += x * b3
			x = a[o+2*t.rs]
			c20 += x * b0
			c21 += x * b1
			c22 += x * b2
			c23 += x * b3
			x = a[o+3*t.rs]
			c30 += x * b0
			c31 += x * b1
			c32 += x * b2
			c33 += x * b3
		}
	}
	t.storeRow(0, [4]float32{c00, c01, c02, c03})
	t.storeRow(1, [4]float32{c10, c11, c12, c13})
	t.storeRow(2, [4]float32{c20, c21, c22, c23})
	t.storeRow(3, [4]float32{c30, c31, c32, c33})
}

func (t *tile) storeRow(i int, v [4]float32) {
	c := floatsAt(t.c, i*t.ldc+4)[i*t.ldc:]
	if t.from != nil {
		for j, x := range floatsAt(t.from, i*t.ldc+4)[i*t.ldc:] {
			v[j] += x
		}
	}
	for j, x := range v {
		if t.flags&tileReLU != 0 && x < 0 {
			x = 0
		}
		c[j] = x
	}
}
