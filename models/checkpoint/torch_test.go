package checkpoint

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"llana/tensor"
)

func readTorch(t *testing.T, path string) *Dict {
	t.Helper()
	v, err := ReadTorch(path)
	if err != nil {
		t.Fatal(err)
	}
	return v.(*Dict)
}

// must returns an entry of a dict that the test relies on.
func must[T Value](t *testing.T, d *Dict, key Value) T {
	t.Helper()
	v, err := Get[T](d, key)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTrainingCheckpoint(t *testing.T) {
	var want struct {
		State  map[string][2]any
		ExpAvg [][]float64 `json:"exp_avg"`
	}
	text, err := os.ReadFile("testdata/train.json")
	if err == nil {
		err = json.Unmarshal(text, &want)
	}
	if err != nil {
		t.Fatal(err)
	}
	d := readTorch(t, "testdata/train.pt")
	if e := must[int64](t, d, "epoch"); e != 7 {
		t.Errorf("epoch %d", e)
	}
	if f := must[float64](t, d, "best_psnr"); f != 21.5 {
		t.Errorf("best_psnr %v", f)
	}
	if f := must[float64](t, d, "epoch"); f != 7 {
		t.Errorf("epoch as a float %v", f)
	}
	state := must[*Dict](t, d, "weights2space")
	if !state.Ordered || state.Len() != len(want.State) {
		t.Errorf("state dict: ordered %v, %d entries, want %d", state.Ordered, state.Len(), len(want.State))
	}
	for name, w := range want.State {
		x := must[*Tensor](t, state, name)
		if x.Name != "weights2space."+name {
			t.Errorf("%s is named %q", name, x.Name)
		}
		same(t, name, floats(t, x), w[1].([]any))
	}
	opt := must[*Dict](t, d, "optimizer")
	moments := must[*Dict](t, opt, "state")
	for i, w := range want.ExpAvg {
		x := must[*Tensor](t, must[*Dict](t, moments, i), "exp_avg")
		same(t, x.Name, floats(t, x), w)
	}
	group := must[List](t, opt, "param_groups")[0].(*Dict)
	if betas := must[Tuple](t, group, "betas"); !slices.Equal(betas, Tuple{0.9, 0.999}) {
		t.Errorf("betas %v", betas)
	}
	if lrs := must[List](t, must[*Dict](t, d, "scheduler"), "lr_lambdas"); !slices.Equal(lrs, List{nil}) {
		t.Errorf("lr_lambdas %v", lrs)
	}
}

func same[T any](t *testing.T, what string, got []float32, want []T) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d elements, want %d", what, len(got), len(want))
		return
	}
	for i := range got {
		if w := any(want[i]).(float64); got[i] != float32(w) {
			t.Errorf("%s[%d]: %v, want %v", what, i, got[i], w)
		}
	}
}

func TestObjects(t *testing.T) {
	for _, file := range []string{"objects.pt", "objects_protocol4.pt"} {
		checkObjects(t, readTorch(t, filepath.Join("testdata", file)))
	}
	// What is written is what was read, and reads as it again.
	d := readTorch(t, "testdata/objects.pt")
	d.Set("again", Tuple{must[*Tensor](t, d, "scalar"), Sparse{must[*Tensor](t, d, "coo")}})
	path := filepath.Join(t.TempDir(), "copy.pt")
	if err := WriteTorch(path, d); err != nil {
		t.Fatal(err)
	}
	back := readTorch(t, path)
	checkObjects(t, back)
	again := must[Tuple](t, back, "again")
	sameBits(t, "shared", again[0].(*Tensor), must[*Tensor](t, d, "scalar"))
	sameBits(t, "sparse", again[1].(*Tensor), must[*Tensor](t, d, "coo"))
}

func checkObjects(t *testing.T, d *Dict) {
	t.Helper()
	ints := List{int64(0), int64(1), int64(255), int64(256), int64(65535), int64(65536), int64(-1), int64(-129),
		int64(math.MaxInt32), int64(math.MinInt32), int64(1 << 31), int64(1 << 40), int64(-1 << 40), int64(math.MaxInt64), int64(math.MinInt64)}
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for key, want := range map[Value]Value{
		"none": nil, "true": true, "false": false, "ints": ints, "same_list": ints,
		"floats": List{0.5, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), 1e-300},
		"text":   "größe \U0001F600", "empty_text": "", "bytes": all, "empty_bytes": []byte{},
		"tuples": Tuple{Tuple{}, Tuple{int64(1)}, Tuple{int64(1), int64(2)}, Tuple{int64(1), int64(2), int64(3)},
			Tuple{int64(1), int64(2), int64(3), int64(4)}},
		"set": Set{int64(5)}, "empty_set": Set{}, "frozenset": Set{"a"},
		"dtype": tensor.BF16, "device": "cuda:1", "cpu": "cpu", "size": Tuple{int64(2), int64(3)},
	} {
		got, ok := d.Get(key)
		if !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%v: got %#v, want %#v", key, got, want)
		}
	}
	if keys := must[*Dict](t, d, "ordered").Keys(); !slices.Equal(keys, []Value{"b", "a"}) {
		t.Errorf("ordered keys %v", keys)
	}
	if s := must[string](t, must[*Dict](t, d, 3), true); s != "yes" {
		t.Errorf("entry [3][True] = %q", s)
	}
	for name, want := range map[string]struct {
		dt    tensor.DType
		shape []int
		vals  []float32
	}{
		"permuted":  {tensor.F32, []int{4, 2, 3}, []float32{0, 4, 8, 12, 16, 20, 1, 5, 9, 13, 17, 21, 2, 6, 10, 14, 18, 22, 3, 7, 11, 15, 19, 23}},
		"slice":     {tensor.F32, []int{2, 2, 2}, []float32{4, 6, 8, 10, 16, 18, 20, 22}},
		"expanded":  {tensor.F32, []int{3, 2}, []float32{1, 2, 1, 2, 1, 2}},
		"empty":     {tensor.F32, []int{0, 5}, []float32{}},
		"scalar":    {tensor.I64, []int{}, []float32{7}},
		"param":     {tensor.F64, []int{2}, []float32{1, 1}},
		"coo":       {tensor.F32, []int{2, 3}, []float32{0, 0, 2.5, -1.5, 0, 0}},
		"hybrid":    {tensor.F32, []int{2, 2, 2}, []float32{0, 0, 1, 2, 0, 0, 3, 4}},
		"half":      {tensor.F16, []int{4}, []float32{0.099975586, -65504, 5.9604645e-08, float32(math.Inf(1))}},
		"coo_empty": {tensor.F32, []int{2, 2}, []float32{0, 0, 0, 0}},
	} {
		x := must[*Tensor](t, d, name)
		if got := floats(t, x); x.DType != want.dt || !slices.Equal(x.Shape, want.shape) || !slices.Equal(got, want.vals) {
			t.Errorf("%s: %v %v %v", name, x.DType, x.Shape, got)
		}
	}
}

func TestRefusedTorchFiles(t *testing.T) {
	for file, want := range map[string]string{
		"evil.pt":        `Python object "posix system"`,
		"legacy.pt":      "before PyTorch 1.6",
		"int16.pt":       `"torch ShortStorage"`,
		"uncoalesced.pt": "coalesced",
		"loop.pt":        "contain themselves",
		"compressed.pt":  "is compressed",
		"big_endian.pt":  `found "big"`,
	} {
		path := filepath.Join("testdata", file)
		src, err := Open(path)
		if err == nil { // some faults show only when elements are read
			_, err = src.Tensor("x")
			src.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), file) {
			t.Errorf("Open(%s): %v, want it to mention %q", file, err, want)
		}
		if _, err := ReadTorch(path); err == nil || file != "legacy.pt" && !strings.Contains(err.Error(), want) {
			t.Errorf("ReadTorch(%s): %v, want it to mention %q", file, err, want)
		}
	}
}

// torchFile makes a PyTorch file of a pickle and one storage.
func torchFile(t testing.TB, pickle []byte, storage []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := storedZip{w: zip.NewWriter(&buf)}
	z.add("data.pkl", pickle)
	z.add("data/0", storage)
	z.add("version", []byte("3\n"))
	if z.err == nil {
		z.err = z.w.Close()
	}
	if z.err != nil {
		t.Fatal(z.err)
	}
	return buf.Bytes()
}

// viewPickle is the pickle of a tensor that views a float32 storage.
func viewPickle(storageLen, offset int64, shape, stride []int) []byte {
	p := newPickler()
	p.op(opProto, 2)
	p.global("torch._utils", "_rebuild_tensor_v2")
	p.op(opMark, opMark)
	_ = p.string("storage")
	p.global("torch", "FloatStorage")
	_ = p.string("0")
	_ = p.string("cuda:0")
	p.int(storageLen)
	p.op(opTuple, opBinPersID)
	p.int(offset)
	p.intTuple(shape)
	p.intTuple(stride)
	p.bool(false)
	p.orderedDict()
	p.op(opTuple, opReduce, opStop)
	return p.out
}

func TestTensorBounds(t *testing.T) {
	for _, c := range []struct {
		storageLen, offset int64
		shape, stride      []int
		want               string // empty: valid
	}{
		{4, 0, []int{2, 2}, []int{2, 1}, ""},
		{4, 2, []int{2}, []int{1}, ""},
		{4, 4, []int{0, 9}, []int{3, 3}, ""},
		{4, 0, []int{0, math.MaxInt, math.MaxInt}, []int{1, 1, 1}, "overflows"},
		{4, 3, []int{2}, []int{1}, "reach beyond"},
		{4, -1, []int{2}, []int{1}, "negative"},
		{4, 0, []int{-2}, []int{1}, "negative"},
		{4, 0, []int{2}, []int{-1}, "negative"},
		{4, 0, []int{2}, []int{1, 1}, "dimensions"},
		{4, math.MaxInt64, []int{2}, []int{1}, "reach beyond"},
		{4, 0, []int{math.MaxInt}, []int{1}, "reach beyond"},
		{4, 0, []int{math.MaxInt, 3}, []int{math.MaxInt, 1}, "overflows"},
		{4, 0, []int{1 << 40}, []int{0}, "much larger than the file"},
		{4, 0, []int{1 << 40, 1 << 40}, []int{0, 0}, "not possible"},
		{5, 0, []int{4}, []int{1}, "needs more than the 16 bytes"},
		{math.MaxInt64, 0, []int{math.MaxInt}, []int{1}, "needs more"},
		{-1, 0, []int{0}, []int{1}, "malformed"},
	} {
		data := torchFile(t, viewPickle(c.storageLen, c.offset, c.shape, c.stride), make([]byte, 16))
		_, err := ReadTorchFrom("f", bytes.NewReader(data), int64(len(data)))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("storage of %d, offset %d, shape %v, stride %v: %v, want %q", c.storageLen, c.offset, c.shape, c.stride, err, c.want)
		}
	}
}

// TestExpansionBudget reads a list of expanded tensors that together would take
// more than a gigabyte.
func TestExpansionBudget(t *testing.T) {
	p := []byte{opProto, 2, opEmptyList, opMark}
	for i := range 40 {
		view := viewPickle(4, 0, []int{1<<23 + i}, []int{0})
		p = append(p, view[2:len(view)-1]...) // without PROTO and STOP
	}
	data := torchFile(t, append(p, opAppends, opStop), make([]byte, 16))
	_, err := ReadTorchFrom("f", bytes.NewReader(data), int64(len(data)))
	if err == nil || !strings.Contains(err.Error(), "much larger than the file") {
		t.Errorf("error %v", err)
	}
}

// TestSharedReferences reads lists of which each names the previous one
// thousands of times.
func TestSharedReferences(t *testing.T) {
	p := []byte{opProto, 2, opNone, opBinPut, 0}
	for range 40 {
		p = append(p, opEmptyList, opMark)
		p = append(p, bytes.Repeat([]byte{opBinGet, 0}, 4096)...)
		p = append(p, opAppends, opBinPut, 0)
	}
	p = append(p, opTuple, opStop)
	p = append([]byte{opProto, 2, opMark}, p[2:]...)
	data := torchFile(t, p, nil)
	if _, err := ReadTorchFrom("f", bytes.NewReader(data), int64(len(data))); err == nil || !strings.Contains(err.Error(), "objects") {
		t.Errorf("error %v", err)
	}
}

// TestTiedTensors writes two tensors with the same elements and expects them
// to stand in the file, and in memory afterwards, once.
func TestTiedTensors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tied.pt")
	x := FromFloat32("", []int{1 << 10}, make([]float32, 1<<10))
	y := &Tensor{DType: x.DType, Shape: []int{1 << 5, 1 << 5}, Data: x.Data}
	if err := WriteTorch(path, NewDict("x", x, "y", x, "z", y)); err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(path); err != nil || st.Size() > 8<<10 {
		t.Errorf("file of %d bytes, %v", st.Size(), err)
	}
	d := readTorch(t, path)
	a, b, c := must[*Tensor](t, d, "x"), must[*Tensor](t, d, "y"), must[*Tensor](t, d, "z")
	if a.Name != "x" || b.Name != "y" || &a.Data[0] != &b.Data[0] {
		t.Errorf("%q and %q do not share their elements", a.Name, b.Name)
	}
	sameBits(t, "z", c, y)
}

func TestDamagedTorchFile(t *testing.T) {
	data, err := os.ReadFile("testdata/nerf/nerf_weights.pth")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 3, 100, len(data) / 2, len(data) - 1} {
		if _, err := ReadTorchFrom("cut", bytes.NewReader(data[:n]), int64(n)); err == nil {
			t.Errorf("a file cut to %d bytes was read", n)
		}
	}
	flipped := bytes.Clone(data)
	flipped[len(flipped)/2] ^= 1 // inside the storage
	if _, err := ReadTorchFrom("flipped", bytes.NewReader(flipped), int64(len(flipped))); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("a flipped bit: %v", err)
	}
}

func TestWriteTorchLayout(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.pth")
	x := FromFloat32("x", []int{3}, []float32{1, 2, 3})
	if err := WriteTorch(path, StateDict(x, FromBools("b", []int{1}, []bool{true}))); err != nil {
		t.Fatal(err)
	}
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
		at, err := f.DataOffset()
		if err != nil || f.Method != zip.Store || at%torchAlign != 0 {
			t.Errorf("%s: method %d at byte %d, %v", f.Name, f.Method, at, err)
		}
	}
	want := []string{"archive/data.pkl", "archive/byteorder", "archive/data/0", "archive/data/1", "archive/version"}
	if !slices.Equal(names, want) {
		t.Errorf("entries %q", names)
	}
}

func TestWriteTorchRefuses(t *testing.T) {
	dir := t.TempDir()
	loop := NewDict()
	loop.Set("self", loop)
	for name, v := range map[string]Value{
		"type":  NewDict("x", struct{}{}),
		"loop":  loop,
		"short": &Tensor{Name: "x", DType: tensor.F32, Shape: []int{2}, Data: make([]byte, 4)},
	} {
		if err := WriteTorch(filepath.Join(dir, name), v); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("files left behind: %v", left)
	}
}
