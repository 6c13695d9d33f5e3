package checkpoint

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"llana/tensor"
)

func open(t *testing.T, path string) Source {
	t.Helper()
	src, err := Open(filepath.Join("testdata", path))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	return src
}

func load(t *testing.T, src Source, name string) *Tensor {
	t.Helper()
	got, err := src.Tensor(name)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func floats(t *testing.T, x *Tensor) []float32 {
	t.Helper()
	v, err := x.Float32s()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func npy(t *testing.T, path string) *Tensor {
	t.Helper()
	x, err := ReadNPY(filepath.Join("testdata", path))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// sameBits compares shape, type and every bit of the elements.
func sameBits(t *testing.T, what string, got, want *Tensor) {
	t.Helper()
	if got.DType != want.DType || !slices.Equal(got.Shape, want.Shape) {
		t.Errorf("%s: got %v %v, want %v %v", what, got.DType, got.Shape, want.DType, want.Shape)
	} else if !slices.Equal(got.Data, want.Data) {
		t.Errorf("%s: elements differ", what)
	}
}

func TestNeRFFiles(t *testing.T) {
	src := open(t, "nerf/nerf_weights.pth")
	if names := src.Names(); !slices.Equal(names, []string{"mlp_base.params"}) {
		t.Fatalf("names %q", names)
	}
	sameBits(t, "parameters", load(t, src, "mlp_base.params"), npy(t, "nerf/params.npy"))

	grid := open(t, "nerf/grid.pth")
	dense := load(t, grid, "_binary")
	want := npy(t, "nerf/grid_binary.npy")
	if dense.DType != tensor.Bool || !slices.Equal(dense.Shape, []int{24, 24, 24}) || !slices.Equal(dense.Data, want.Data) {
		t.Errorf("occupancy grid: %v %v differs from the dense one", dense.DType, dense.Shape)
	}
	res, err := load(t, grid, "resolution").Int64s()
	if err != nil || !slices.Equal(res, []int64{24, 24, 24}) {
		t.Errorf("resolution %v, %v", res, err)
	}
}

func TestSameModelInBothFormats(t *testing.T) {
	ckpt := open(t, "weights2space/ckpt.pt")
	torch := TrimPrefix(ckpt, "weights2space.module.")
	st := open(t, "weights2space/weights2space.safetensors")
	a, b := slices.Sorted(slices.Values(torch.Names())), slices.Sorted(slices.Values(st.Names()))
	if len(a) == 0 || !slices.Equal(a, b) {
		t.Fatalf("names differ: %d and %d", len(a), len(b))
	}
	for _, name := range a {
		x := load(t, torch, name)
		sameBits(t, name, x, load(t, st, name))
		info, err := torch.Info(name)
		if err != nil || x.Name != name || info.Name != name || info.DType != x.DType || !slices.Equal(info.Shape, x.Shape) {
			t.Errorf("%s: info %+v, %v", name, info, err)
		}
	}
}

func TestElementTypes(t *testing.T) {
	src := open(t, "llama/dtypes.safetensors")
	for name, dt := range map[string]tensor.DType{"f16": tensor.F16, "bf16": tensor.BF16, "f64": tensor.F64, "i64": tensor.I64} {
		x := load(t, src, name)
		want := npy(t, "llama/dtype_"+name+".npy")
		if x.DType != dt || !slices.Equal(x.Shape, want.Shape) || !slices.Equal(floats(t, x), floats(t, want)) {
			t.Errorf("%s: %v %v %v", name, x.DType, x.Shape, floats(t, x))
		}
	}
	if note := Metadata(src)["note"]; note != "x" {
		t.Errorf("metadata note %q", note)
	}
	bf := open(t, "llama/pytorch_bf16.bin")
	if x := load(t, bf, bf.Names()[0]); x.DType != tensor.BF16 || math.Abs(float64(floats(t, x)[0])-0.5480285) > 0.002 {
		t.Errorf("bfloat16 storage: %v %v", x.DType, floats(t, x)[0])
	}
}

func TestViewsAndContainers(t *testing.T) {
	v, err := ReadTorch("testdata/llama/odd_tensors.bin")
	if err != nil {
		t.Fatal(err)
	}
	d := v.(*Dict)
	get := func(name string) *Tensor {
		x, err := Get[*Tensor](d, name)
		if err != nil {
			t.Fatal(err)
		}
		if x.Name != name {
			t.Errorf("tensor %q is named %q", name, x.Name)
		}
		return x
	}
	if got := floats(t, get("view")); !slices.Equal(got, []float32{12, 13, 14, 15, 16, 22, 23, 24, 25, 26, 32, 33, 34, 35, 36}) {
		t.Errorf("view %v", got)
	}
	if x := get("transposed"); !slices.Equal(x.Shape, []int{10, 6}) || !slices.Equal(floats(t, x)[6:12], []float32{1, 11, 21, 31, 41, 51}) {
		t.Errorf("transposed %v %v", x.Shape, floats(t, x))
	}
	if x := get("scalar"); len(x.Shape) != 0 || floats(t, x)[0] != 3.5 {
		t.Errorf("scalar %v %v", x.Shape, x.Data)
	}
	if x := get("empty"); !slices.Equal(x.Shape, []int{0, 3}) || len(x.Data) != 0 {
		t.Errorf("empty %v %v", x.Shape, x.Data)
	}
	nested, err := Get[*Dict](d, "nested")
	if err != nil {
		t.Fatal(err)
	}
	list, _ := Get[List](nested, "list")
	tuple, _ := Get[Tuple](nested, "tuple")
	if !slices.Equal(list, List{int64(1), 2.5, "x", nil, true}) || !slices.Equal(tuple, Tuple{int64(1), int64(2)}) {
		t.Errorf("nested %v %v", list, tuple)
	}
	if _, err := Get[string](d, "scalar"); err == nil || !strings.Contains(err.Error(), "expected a string, found a tensor") {
		t.Errorf("wrong type: %v", err)
	}
}
