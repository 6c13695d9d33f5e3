package tensor

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"testing"
)

// packError returns the root mean square error of storing data as d, relative
// to that of the data.
func packError(t *testing.T, d DType, data []float32, shape ...int) float64 {
	t.Helper()
	raw, err := Pack(d, data, shape...)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]float64, len(data))
	Unpack(d, raw, shape, got)
	var e, n float64
	for i, v := range data {
		e += (got[i] - float64(v)) * (got[i] - float64(v))
		n += float64(v) * float64(v)
	}
	return math.Sqrt(e / n)
}

func TestPackErrors(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	normal := make([]float32, 64*512)
	outliers := make([]float32, len(normal))
	for i := range normal {
		normal[i] = float32(r.NormFloat64()) * 0.02
		outliers[i] = normal[i]
		if r.IntN(300) == 0 {
			outliers[i] *= 20
		}
	}
	for _, c := range []struct {
		d    DType
		data []float32
		want float64
	}{
		// The search for 4-bit scales tries three of them; five reach 0.057 and
		// 0.062, with five thirds of the work.
		{BF16, normal, 0.0018}, {F16, normal, 0.0003}, {Q8, normal, 0.005}, {Q4, normal, 0.058},
		{Q8, outliers, 0.0075}, {Q4, outliers, 0.063},
	} {
		if e := packError(t, c.d, c.data, 64, 512); e > c.want {
			t.Errorf("%v: relative error %.5f, want at most %v", c.d, e, c.want)
		} else {
			t.Logf("%v: relative error %.5f", c.d, e)
		}
	}
}

// Rows of zeros, of one value and of values that differ by many powers of ten
// come back: exactly, or within a step of their block.
func TestPackExtremes(t *testing.T) {
	rows := [][]float32{
		{}, {1}, {-3e38, 3e38}, {1e-38, -1e-38}, {1e-45}, {1e30, 1, 1e-30},
	}
	const width = 2 * BlockLen
	var data []float32
	for _, row := range rows {
		full := make([]float32, width)
		copy(full, row)
		data = append(data, full...)
	}
	for _, d := range []DType{Q8, Q4} {
		raw, err := Pack(d, data, len(rows), width)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]float32, len(data))
		Unpack(d, raw, []int{len(rows), width}, got)
		for i, v := range data {
			block := data[i/BlockLen*BlockLen:][:BlockLen]
			lo, hi, _ := span(block)
			step := float64(hi)/15 - float64(lo)/15
			if e := math.Abs(float64(got[i]) - float64(v)); !(e <= 0.8*step+1e-44) {
				t.Errorf("%v row %d: %v came back as %v", d, i/width, v, got[i])
			}
		}
	}
}

func TestPackRefusesNaN(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		data := make([]float32, 2*BlockLen)
		data[20] = float32(bad)
		for _, d := range []DType{Q8, Q4} {
			if _, err := Pack(d, data, 2, BlockLen); err == nil {
				t.Errorf("%v packed as %v without an error", bad, d)
			}
		}
		for _, d := range []DType{BF16, F16} {
			raw, err := Pack(d, data, 2, BlockLen)
			if err != nil {
				t.Fatal(err)
			}
			got := make([]float64, len(data))
			if Unpack(d, raw, []int{2, BlockLen}, got); !(got[20] == bad || got[20] != got[20] && bad != bad) {
				t.Errorf("%v came back from %v as %v", bad, d, got[20])
			}
		}
	}
}

func TestPackedTensor(t *testing.T) {
	mem := NewHost()
	data := make([]float32, 3*2*BlockLen)
	for i := range data {
		data[i] = float32(i % 16)
	}
	for _, d := range []DType{BF16, F16, Q8, Q4} {
		x := New(mem, d, 3, 2*BlockLen)
		if err := x.Store(data); err != nil {
			t.Fatal(err)
		}
		got, err := x.View(1, 3, -1).ReadFloat32(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for i := range data {
			if math.Abs(float64(got[i]-data[i])) > 0.1 {
				t.Errorf("%v: element %d came back as %v, want %v", d, i, got[i], data[i])
				break
			}
		}
	}
}

func BenchmarkPack(b *testing.B) {
	data := make([]float32, 64*4096)
	for i := range data {
		data[i] = float32(i*7919%1000) - 500
	}
	for _, d := range []DType{BF16, F16, Q8, Q4} {
		b.Run(d.String(), func(b *testing.B) {
			b.SetBytes(int64(4 * len(data)))
			for b.Loop() {
				if _, err := Pack(d, data, 64, 4096); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Rows are stored one after the other, each as if it were alone.
func TestPackedRowsAreContiguous(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const rows, width = 3, 5 * BlockLen
	data := make([]float32, rows*width)
	for i := range data {
		data[i] = float32(r.NormFloat64())
	}
	for _, d := range []DType{BF16, F16, Q8, Q4} {
		all, err := Pack(d, data, rows, width)
		if err != nil {
			t.Fatal(err)
		}
		var each []byte
		for i := range rows {
			one, err := Pack(d, data[i*width:(i+1)*width], 1, width)
			if err != nil {
				t.Fatal(err)
			}
			each = append(each, one...)
		}
		if !bytes.Equal(all, each) {
			t.Errorf("%v: rows packed together differ from rows packed one by one", d)
		}
	}
}
