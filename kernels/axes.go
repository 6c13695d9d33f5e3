package kernels

// AxisPair is an axis along which two arrays are walked together: its length,
// and by how many elements a step moves in the first (A) and the second (B).
type AxisPair struct{ Len, A, B int }

// appendAxis adds the next axis outwards to axes. Axes of length 1 are left
// out, and one that goes on where the one before it ends is merged with it:
// contiguous arrays are walked along a single axis.
func appendAxis(axes []AxisPair, x AxisPair) []AxisPair {
	if x.Len == 1 {
		return axes
	}
	if k := len(axes) - 1; k >= 0 && axes[k].A*axes[k].Len == x.A && axes[k].B*axes[k].Len == x.B {
		axes[k].Len *= x.Len
		return axes
	}
	return append(axes, x)
}

// wholeAxes gives a single element one axis, so that there always is one.
func wholeAxes(axes []AxisPair) []AxisPair {
	if len(axes) == 0 {
		return []AxisPair{{Len: 1}}
	}
	return axes
}

// walk calls f with the two offsets of every element of the axes, which stand
// innermost first.
func walk(axes []AxisPair, f func(i, a, b int)) {
	n := 1
	for _, x := range axes {
		n *= x.Len
	}
	for i := range n {
		rest, a, b := i, 0, 0
		for _, x := range axes {
			c := rest % x.Len
			rest /= x.Len
			a += c * x.A
			b += c * x.B
		}
		f(i, a, b)
	}
}

// units says how a kernel that goes over n elements in any order reads them: in
// vectors of four (VEC) where n is a multiple of four. It returns their number.
func units(n int) (vec Const, count int) {
	if n%4 == 0 {
		return Const{"VEC", true}, n / 4
	}
	return Const{"VEC", false}, n
}

// axisWords packs axes as uniform parameters.
func axisWords(axes []AxisPair) []uint32 {
	var w []uint32
	for _, x := range axes {
		w = append(w, Words(x.Len, x.A, x.B)...)
	}
	return w
}
