package tensor

import (
	"context"
	"testing"
)

func TestViewsShareBytes(t *testing.T) {
	mem := NewHost()
	x := Float32(mem, []float32{1, 2, 3, 4, 5, 6}, 2, 3)
	v := x.View(3, -1)
	if !SameShape(v.Shape(), []int{3, 2}) {
		t.Errorf("view has shape %v, want [3 2]", v.Shape())
	}
	h := x.Head(2, 2)
	Slice[float32](v)[0] = 9
	x.Free()
	got, err := h.ReadFloat32(context.Background())
	if err != nil || len(got) != 4 || got[0] != 9 || got[3] != 4 {
		t.Errorf("head reads %v, %v", got, err)
	}
	if live := mem.Stats().Live; live == 0 {
		t.Error("bytes were given back while a view holds them")
	}
	v.Free()
	h.Free()
	h.Free() // freeing twice does nothing
	if s := mem.Stats(); s.Live != 0 || s.Pooled == 0 {
		t.Errorf("after the last view was freed: %+v", s)
	}
}

func TestPoolReuses(t *testing.T) {
	mem := NewHost()
	New(mem, F32, 1000).Free()
	pooled := mem.Stats().Pooled
	x := New(mem, F32, 990) // the same size class
	if s := mem.Stats(); s.Pooled != 0 || s.Live != pooled {
		t.Errorf("a buffer of the same class was not reused: %+v", s)
	}
	x.Free()
	mem.Trim()
	if s := mem.Stats(); s.Pooled != 0 {
		t.Errorf("after Trim %+v", s)
	}
}

func TestSizeClassWaste(t *testing.T) {
	for n := 1; n < 1<<20; n += 1 + n/97 {
		c := sizeClass(n)
		if c < n || n > 256 && float64(c) > 1.26*float64(n) {
			t.Fatalf("class of %d bytes is %d", n, c)
		}
	}
}

func TestMistakesPanic(t *testing.T) {
	mem := NewHost()
	x := New(mem, F32, 2, 3)
	freed := New(mem, F32, 1)
	freed.Free()
	for name, f := range map[string]func(){
		"view of other length": func() { x.View(4) },
		"head too long":        func() { x.Head(7) },
		"negative length":      func() { New(mem, F32, -1) },
		"use after free":       func() { freed.Buffer() },
		"wrong element type":   func() { x.SetInt32(make([]int32, 6)) },
		"wrong length":         func() { x.SetFloat32(make([]float32, 5)) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

func TestFloat64RoundTrip(t *testing.T) {
	x := Floats(NewHost(), F64, []float64{0.1, -3}, 2)
	if v, _ := x.ReadFloat64(context.Background()); v[0] != 0.1 {
		t.Errorf("read %v", v)
	}
	if v, _ := x.ReadFloat32(context.Background()); v[0] != float32(0.1) {
		t.Errorf("read %v as float32", v)
	}
}
