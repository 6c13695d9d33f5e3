package infer

import (
	"context"
	"math"
	"os"
	"slices"
	"testing"

	"llana/kernels"
	"llana/kernels/cpu"
	"llana/kernels/devices/devicetest"
	"llana/models/checkpoint"
	"llana/models/spatialllana"
	"llana/tensor"
)

const modelFolder = "../models/spatialllana/testdata/hf_model"

// logitsOf opens a folder and returns the logits of the golden prompt, and how
// the first query matrix is stored.
func logitsOf(t *testing.T, d kernels.Device, dir string, o spatialllana.OpenOptions) ([]float32, tensor.DType) {
	t.Helper()
	m, err := spatialllana.Open(d, dir, o)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Free()
	v, err := Logits(context.Background(), m, readExpected(t).PromptIDs, object(t, 0), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return v, m.Params.Get("model.layers.0.self_attn.q_proj.weight").Value.DType()
}

// relative returns the root mean square of a - b relative to that of b.
func relative(a, b []float32) float64 {
	var e, n float64
	for i := range b {
		e += float64(a[i]-b[i]) * float64(a[i]-b[i])
		n += float64(b[i]) * float64(b[i])
	}
	return math.Sqrt(e / n)
}

// Each way to store the weights gives logits as close as it should.
func TestWeightStorage(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, d kernels.Device) {
		want, _ := logitsOf(t, d, modelFolder, spatialllana.OpenOptions{})
		for _, c := range []struct {
			name  string
			dtype tensor.DType
			error float64 // relative, of normally distributed weights (tensor's tests)
		}{{"auto", tensor.F32, 1e-7}, {"f32", tensor.F32, 1e-7}, {"bf16", tensor.BF16, 0.0017}, {"f16", tensor.F16, 0.00021}, {"int8", tensor.Q8, 0.005}, {"int4", tensor.Q4, 0.058}} {
			w, err := spatialllana.ParseWeights(c.name)
			if err != nil {
				t.Fatal(err)
			}
			got, dt := logitsOf(t, d, modelFolder, spatialllana.OpenOptions{Weights: w})
			if dt != c.dtype {
				t.Errorf("%s: stored as %v, want %v", c.name, dt, c.dtype)
			}
			// This model's weights are large: attention is sharp, and 21 matrices'
			// errors add up to about seven times that of one.
			if e := relative(got, want); !(e <= 8*c.error) || e < c.error/2 && c.error > 1e-7 {
				t.Errorf("%s: relative error %.5f of the logits, want about 7 times %v", c.name, e, c.error)
			}
		}
	})
}

// A file's own type is kept by "auto", and rounds nothing.
func TestWeightsAsStored(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(modelFolder)); err != nil {
		t.Fatal(err)
	}
	src, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var ts []*checkpoint.Tensor
	for _, n := range src.Names() {
		x, err := src.Tensor(n)
		if err != nil {
			t.Fatal(err)
		}
		if x, err = x.To(tensor.BF16); err != nil {
			t.Fatal(err)
		}
		ts = append(ts, x)
	}
	src.Close()
	rounded, err := checkpoint.FromTensors(ts...)
	if err != nil {
		t.Fatal(err)
	}
	if err := checkpoint.WriteModel(dir, rounded, 1<<30); err != nil {
		t.Fatal(err)
	}
	devicetest.Each(t, func(t *testing.T, d kernels.Device) {
		want, _ := logitsOf(t, d, dir, spatialllana.OpenOptions{})
		got, dt := logitsOf(t, d, dir, spatialllana.OpenOptions{Weights: spatialllana.Weights{AsStored: true}})
		if dt != tensor.BF16 {
			t.Errorf("stored as %v, want %v", dt, tensor.BF16)
		}
		if e := relative(got, want); !(e <= 1e-5) {
			t.Errorf("relative error %v of the logits", e)
		}
	})
}

// Layers kept in the process' memory give the same numbers, from less memory of
// the device.
func TestHostLayers(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, d kernels.Device) {
		for _, w := range []spatialllana.Weights{{}, {DType: tensor.Q8}} {
			want, _ := logitsOf(t, d, modelFolder, spatialllana.OpenOptions{Weights: w})
			for n := 1; n <= 3; n++ {
				got, _ := logitsOf(t, d, modelFolder, spatialllana.OpenOptions{Weights: w, HostLayers: n})
				if !slices.Equal(got, want) {
					t.Errorf("%v: logits with %d layers in the process' memory differ", w.DType, n)
				}
			}
		}
		if live := d.Stats().Live; live != 0 {
			t.Errorf("%d bytes are live after the models were freed", live)
		}
	})
}

// Keys and values in 16 bits give logits as close as their rounding allows, and
// take half the memory.
func TestCacheTypes(t *testing.T) {
	devicetest.Each(t, func(t *testing.T, d kernels.Device) {
		m := open(t, d)
		prompt := readExpected(t).PromptIDs
		logits := func(stored tensor.DType) []float32 {
			v, err := Logits(context.Background(), m, prompt, object(t, 0), Options{CacheType: stored, Chunk: 40})
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		held := func(stored tensor.DType) int64 {
			s := session(t, m, object(t, 0))
			if _, err := s.Ask(context.Background(), question, Options{CacheType: stored, MaxNewTokens: 3}, nil); err != nil {
				t.Fatal(err)
			}
			return s.cache.Bytes()
		}
		want, whole := logits(tensor.F32), held(tensor.F32)
		for _, c := range []struct {
			stored tensor.DType
			error  float64 // half a unit in the last place, added up over layers
		}{{tensor.F16, 0.002}, {tensor.BF16, 0.016}} {
			if e := relative(logits(c.stored), want); !(e <= c.error) || e < c.error/100 {
				t.Errorf("%v: relative error %.6f of the logits, want up to %v", c.stored, e, c.error)
			}
			if got := held(c.stored); 2*got != whole {
				t.Errorf("%v: the cache takes %d bytes, that in float32 %d", c.stored, got, whole)
			}
		}
	})
}

// A session that is asked for another type of cache reads anew.
func TestSessionChangesCacheType(t *testing.T) {
	d := cpu.New(0)
	defer d.Close()
	m := open(t, d)
	s := session(t, m, object(t, 0))
	want, err := s.Ask(context.Background(), question, Options{MaxNewTokens: 6}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, stored := range []tensor.DType{tensor.BF16, tensor.F32, tensor.Invalid} {
		a, err := s.Ask(context.Background(), question, Options{MaxNewTokens: 6, CacheType: stored}, nil)
		if err != nil || stored != tensor.BF16 && !slices.Equal(a.TokenIDs, want.TokenIDs) || s.cache.Stored() != max(stored, tensor.F32) {
			t.Errorf("stored as %v: ids %v (%v), want %v", stored, a.TokenIDs, err, want.TokenIDs)
		}
	}
}
