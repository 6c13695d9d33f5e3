package checkpoint

import (
	"errors"
	"math"
	"slices"
	"testing"

	"llana/tensor"
)

// TestHalfExhaustive checks every binary16 number against its definition, and
// the rounding at and beside the middle between every two neighbours.
func TestHalfExhaustive(t *testing.T) {
	value := func(h uint16) float64 {
		sign := 1 - 2*float64(h>>15)
		exp, frac := int(h>>10&0x1f), float64(h&0x3ff)
		if exp == 0 {
			return sign * math.Ldexp(frac, -24)
		}
		return sign * math.Ldexp(1024+frac, exp-25)
	}
	for h := range uint16(0x7c00) {
		for _, sign := range []uint16{0, 0x8000} {
			want := value(h | sign)
			got := tensor.F16ToF32(h | sign)
			if float64(got) != want || math.Signbit(float64(got)) != (sign != 0) {
				t.Fatalf("tensor.F16ToF32(%#x) = %v, want %v", h|sign, got, want)
			}
			if back := tensor.F32ToF16(got); back != h|sign {
				t.Fatalf("tensor.F32ToF16(%v) = %#x, want %#x", got, back, h|sign)
			}
		}
		next := value(h + 1)
		if h == 0x7bff {
			next = 65536
		}
		mid := float32((value(h) + next) / 2) // exact in float32
		even := h + h&1
		for f, want := range map[float32]uint16{
			mid: even, math.Nextafter32(mid, 0): h, math.Nextafter32(mid, 1e9): h + 1,
		} {
			if got := tensor.F32ToF16(f); got != want {
				t.Fatalf("tensor.F32ToF16(%v) = %#x, want %#x", f, got, want)
			}
		}
	}
	inf := float32(math.Inf(1))
	if tensor.F32ToF16(inf) != 0x7c00 || tensor.F32ToF16(-inf) != 0xfc00 || tensor.F32ToF16(1e9) != 0x7c00 || tensor.F16ToF32(0xfc00) != -inf {
		t.Error("infinities")
	}
	nan := float32(math.NaN())
	if x := tensor.F16ToF32(tensor.F32ToF16(nan)); x == x {
		t.Error("NaN became a number")
	}
}

func TestBFloat16Rounding(t *testing.T) {
	for _, c := range []struct {
		in   uint32
		want uint16
	}{
		{0x3f800000, 0x3f80}, {0x3f808000, 0x3f80}, {0x3f818000, 0x3f82}, {0x3f808001, 0x3f81}, {0x3f807fff, 0x3f80},
		{0xbf818000, 0xbf82}, {0x7f800000, 0x7f80}, {0x7f7fffff, 0x7f80}, {0x80000000, 0x8000}, {0x00000001, 0x0000},
		{0x7f800001, 0x7fc0}, // a NaN whose payload would be cut off
	} {
		if got := tensor.F32ToBF16(math.Float32frombits(c.in)); got != c.want {
			t.Errorf("tensor.F32ToBF16(%#x) = %#x, want %#x", c.in, got, c.want)
		}
	}
}

func TestConversions(t *testing.T) {
	for _, x := range []*Tensor{
		FromInt64("i64", []int{3}, []int64{-1, 0, 300}), FromInt32("i32", []int{3}, []int32{-1, 0, 300}),
	} {
		ints, err := x.Int64s()
		if err != nil || !slices.Equal(ints, []int64{-1, 0, 300}) {
			t.Errorf("%s: %v, %v", x.Name, ints, err)
		}
		if f := floats(t, x); !slices.Equal(f, []float32{-1, 0, 300}) {
			t.Errorf("%s: %v", x.Name, f)
		}
		if same, err := x.To(tensor.F16); err != nil || same != x {
			t.Errorf("%s: To changed an integer tensor, %v", x.Name, err)
		}
	}
	f := FromFloat32("f", []int{1}, []float32{1})
	if _, err := f.Int64s(); err == nil {
		t.Error("floats were read as integers")
	}
	if _, err := f.To(tensor.I64); err == nil {
		t.Error("floats were converted to integers")
	}
	for _, bad := range []*Tensor{
		{Name: "short", DType: tensor.F32, Shape: []int{2}, Data: make([]byte, 7)},
		{Name: "negative", DType: tensor.F32, Shape: []int{-2, -2}, Data: make([]byte, 16)},
		{Name: "untyped", Shape: []int{0}},
		{Name: "unknown", DType: 99, Shape: []int{1}, Data: []byte{1}},
	} {
		if _, err := bad.Float32s(); err == nil {
			t.Errorf("%s: no error", bad.Name)
		}
	}
}

func TestConstructorPanics(t *testing.T) {
	defer func() {
		var want *SizeError
		if err, ok := recover().(error); !ok || !errors.As(err, &want) || want.Len != 3 {
			t.Errorf("panic value %v", err)
		}
	}()
	FromFloat32("x", []int{2, 2}, make([]float32, 3))
}
