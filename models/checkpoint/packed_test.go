package checkpoint

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"llana/tensor"
)

func randomTensor(name string, seed uint64, shape ...int) *Tensor {
	r := rand.New(rand.NewPCG(seed, 0))
	v := make([]float32, numel(shape))
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	return FromFloat32(name, shape, v)
}

// writePacked writes a file with a tensor of each block type and a plain one.
func writePacked(t *testing.T) (path string, want []*Tensor) {
	t.Helper()
	for i, dt := range []tensor.DType{tensor.Q8, tensor.Q4, tensor.F32} {
		x, err := randomTensor(dt.String(), uint64(i), 5, 48).To(dt)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, x)
	}
	path = filepath.Join(t.TempDir(), "model.safetensors")
	if err := WriteSafetensors(path, want, map[string]string{"format": "pt"}); err != nil {
		t.Fatal(err)
	}
	return path, want
}

func TestPackedRoundTrip(t *testing.T) {
	path, want := writePacked(t)
	src, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	for _, w := range want {
		got, err := src.Tensor(w.Name)
		if err != nil {
			t.Fatal(err)
		}
		if got.DType != w.DType || !slices.Equal(got.Shape, w.Shape) || !bytes.Equal(got.Data, w.Data) {
			t.Errorf("%s: came back as %v %v", w.Name, got.DType, got.Shape)
		}
		if info, err := src.Info(w.Name); err != nil || info.Bytes() != int64(len(w.Data)) {
			t.Errorf("%s: described as %v, %v", w.Name, info, err)
		}
	}
}

func TestPackedMetadataIsChecked(t *testing.T) {
	path, _ := writePacked(t)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{`\"width\":48`, `\"width\":96`, "does not hold rows of 96"},
		{`\"width\":48`, `\"width\":-8`, "does not hold rows of -8"},
		{`\"dtype\":\"int4\"`, `\"dtype\":\"int3\"`, `dtype "int3"`},
		{`\"int4\":{`, `\"int5\":{`, `tensor "int5" is not in the file`},
		{`{\"int4\":`, `[\"int4\":`, packedKey},
	} {
		broken := bytes.Replace(whole, []byte(c.old), []byte(c.new), 1)
		if bytes.Equal(broken, whole) {
			t.Fatalf("%q does not occur", c.old)
		}
		_, err := OpenReader("f", bytes.NewReader(broken), int64(len(broken)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("with %s: error %v, want one about %q", c.new, err, c.want)
		}
	}
}

// A copy describes its own tensors, whatever the metadata it was given says.
func TestPackedMetadataOfACopy(t *testing.T) {
	path, _ := writePacked(t)
	src, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	for _, dt := range []tensor.DType{tensor.F32, tensor.Q8} {
		to := filepath.Join(t.TempDir(), "copy.safetensors")
		same := Converted(src, func(Info) tensor.DType { return dt }, nil)
		if err := CopySafetensors(to, same, Metadata(src)); err != nil {
			t.Fatal(err)
		}
		copied, err := Open(to)
		if err != nil {
			t.Fatalf("as %v: %v", dt, err)
		}
		for _, name := range copied.Names() {
			if info, err := copied.Info(name); err != nil || info.DType != dt || !slices.Equal(info.Shape, []int{5, 48}) {
				t.Errorf("%s as %v came back as %v, %v", name, dt, info, err)
			}
		}
		if got := Metadata(copied)["format"]; got != "pt" {
			t.Errorf("format %q", got)
		}
		copied.Close()
	}
}

// PyTorch and NumPy do not have the block types: an error, and no file.
func TestPackedInOtherFormats(t *testing.T) {
	x, err := randomTensor("x", 1, 2, 32).To(tensor.Q4)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, err := range []error{
		WriteTorch(filepath.Join(dir, "x.pt"), StateDict(x)), WriteNPYTensor(filepath.Join(dir, "x.npy"), x),
	} {
		if err == nil || !strings.Contains(err.Error(), "int4") {
			t.Errorf("error %v, want one about int4", err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("files %v are left, %v", left, err)
	}
}

// Load takes tensors of any rank, and says where a file ends too early.
func TestLoad(t *testing.T) {
	for _, shape := range [][]int{{}, {7}, {3, 5}, {0, 4}, {4, 0}} {
		want := randomTensor("x", 4, shape...)
		narrow, err := want.To(tensor.F16)
		if err != nil {
			t.Fatal(err)
		}
		src, err := FromTensors(narrow)
		if err != nil {
			t.Fatal(err)
		}
		dst := tensor.New(tensor.NewHost(), tensor.F32, shape...)
		if err := Load(src, "x", dst); err != nil {
			t.Errorf("%v: %v", shape, err)
			continue
		}
		rounded, err := narrow.Float32s()
		if err != nil || !slices.Equal(tensor.Slice[float32](dst), rounded) {
			t.Errorf("%v: %v, want %v, %v", shape, tensor.Slice[float32](dst), rounded, err)
		}
	}
}

// A file that is cut after it was opened is an error, not half a tensor.
func TestLoadTruncated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.safetensors")
	x := randomTensor("x", 1, 300, 400)
	if err := WriteSafetensors(path, []*Tensor{x}, nil); err != nil {
		t.Fatal(err)
	}
	src, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if err := os.Truncate(path, int64(len(x.Data)/2)); err != nil {
		t.Fatal(err)
	}
	for _, dt := range []tensor.DType{tensor.F32, tensor.BF16} {
		dst := tensor.New(tensor.NewHost(), dt, x.Shape...)
		if err := Load(src, "x", dst); !errors.Is(err, io.EOF) || !strings.Contains(err.Error(), `"x"`) {
			t.Errorf("into %v: error %v, want one about x and the file's end", dt, err)
		}
	}
}

// Stream gives what Tensor gives, from every kind of source.
func TestStream(t *testing.T) {
	large := randomTensor("x.large", 1, 1500, 3000) // more than two pieces
	small := randomTensor("x.small", 2, 7)
	dir := t.TempDir()
	st, pt, folder := filepath.Join(dir, "a.safetensors"), filepath.Join(dir, "a.pt"), filepath.Join(dir, "model")
	memory, err := FromTensors(large, small)
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteSafetensors(st, []*Tensor{large, small}, nil); err != nil {
		t.Fatal(err)
	}
	if err := WriteTorch(pt, StateDict(large, small)); err != nil {
		t.Fatal(err)
	}
	if err := WriteModel(folder, memory, 1<<20); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{st, pt, folder} {
		src, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []*Tensor{large, small} {
			got, pieces := []byte(nil), 0
			err := Stream(TrimPrefix(src, "x."), strings.TrimPrefix(want.Name, "x."), 12, func(at int64, piece []byte) error {
				if int(at) != len(got) || len(piece)%12 != 0 && at+int64(len(piece)) != int64(len(want.Data)) {
					t.Errorf("%s: piece of %d bytes at %d behind %d", path, len(piece), at, len(got))
				}
				pieces++
				got = append(got, piece...)
				return nil
			})
			if err != nil || !bytes.Equal(got, want.Data) {
				t.Errorf("%s: %s streamed differently: %v", path, want.Name, err)
			}
			if want == large && pieces < 3 {
				t.Errorf("%s: %d bytes came in %d pieces", path, len(got), pieces)
			}
		}
		if err := Stream(src, "none", 4, nil); err == nil {
			t.Errorf("%s: a tensor that is not there was streamed", path)
		}
		src.Close()
	}
}

func TestStreamVerifiesChecksums(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.pt")
	x := randomTensor("x", 1, 100)
	if err := WriteTorch(path, StateDict(x)); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(whole, x.Data[:16])
	whole[at] ^= 1
	src, err := OpenReader("f", bytes.NewReader(whole), int64(len(whole)))
	if err != nil {
		t.Fatal(err)
	}
	err = Stream(src, "x", 4, func(int64, []byte) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("a changed byte: error %v, want one about the checksum", err)
	}
}
