package checkpoint

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sbinet/npyio"

	"llana/tensor"
)

func TestReadNPY(t *testing.T) {
	count := make([]float32, 24)
	odd := make([]float32, 24)
	for i := range count {
		count[i], odd[i] = float32(i), float32(i%2)
	}
	cube := []int{2, 3, 4}
	for name, want := range map[string]struct {
		dt    tensor.DType
		shape []int
		vals  []float32
	}{
		"float16": {tensor.F16, cube, count}, "float32": {tensor.F32, cube, count}, "float64": {tensor.F64, cube, count},
		"int32": {tensor.I32, cube, count}, "int64": {tensor.I64, cube, count}, "uint8": {tensor.U8, cube, count},
		"bool": {tensor.Bool, cube, odd}, "fortran": {tensor.F32, cube, count},
		"scalar": {tensor.F32, []int{}, []float32{2.5}}, "vector": {tensor.F32, []int{2}, []float32{1, 2}},
		"empty": {tensor.F32, []int{3, 0}, []float32{}}, "version2": {tensor.F32, []int{2}, []float32{1, 2}},
	} {
		x := npy(t, "npy/"+name+".npy")
		if got := floats(t, x); x.DType != want.dt || !slices.Equal(x.Shape, want.shape) || !slices.Equal(got, want.vals) {
			t.Errorf("%s: %v %v %v", name, x.DType, x.Shape, got)
		}
	}
	for name, want := range map[string]string{
		"refused_big_endian": ">f4", "refused_complex": "<c8", "refused_record": "element type", "refused_object": "|O",
	} {
		path := "testdata/npy/" + name + ".npy"
		if _, err := ReadNPY(path); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), path) {
			t.Errorf("%s: %v, want it to mention %q", name, err, want)
		}
	}
}

func npyBytes(header string, data int) []byte {
	out := binary.LittleEndian.AppendUint16([]byte(npyMagic+"\x01\x00"), uint16(len(header)))
	return append(append(out, header...), make([]byte, data)...)
}

func TestNPYHeader(t *testing.T) {
	for _, c := range []struct {
		header string
		data   int
		want   string // empty: valid
	}{
		{`{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }`, 8, ""},
		{`{"shape":(2,),"fortran_order":True,"descr":"<f4"}` + "\n", 8, ""},
		{`{'descr': '<f4', 'fortran_order': False, 'shape': (), }`, 4, ""},
		{`{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }`, 7, "does not fill the 7 bytes"},
		{`{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }`, 9, "does not fill the 9 bytes"},
		{`{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }`, 8, "does not fill"},
		{`{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }`, 8, "shape is"},
		{`{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }`, 8, "shape is"},
		{`{'descr': '<f4', 'fortran_order': False, 'shape': (2,,), }`, 8, "shape is"},
		{`{'descr': '<f4', 'fortran_order': False, 'shape': 2, }`, 8, "shape is"},
		{`{'descr': '<f4', 'fortran_order': False, 'shape': (2,`, 8, "expected a dict"},
		{`{'descr': '<f4', 'fortran_order': False, 'shape': (2,}`, 8, "closing bracket"},
		{`{'descr': '<f4', 'fortran_order': False}`, 8, "expected descr"},
		{`{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}`, 8, "twice"},
		{`{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}`, 8, "fortran_order is 0"},
		{`{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': 1}`, 8, `unexpected key "more"`},
		{``, 8, "expected a dict"},
	} {
		data := npyBytes(c.header, c.data)
		_, err := ReadNPYFrom("f", bytes.NewReader(data), int64(len(data)))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s with %d bytes: %v, want %q", c.header, c.data, err, c.want)
		}
	}
	for _, data := range []string{"", "\x93NUMP", "\x93NUMPY\x01\x00\xff\xff{", "\x93NUMPY\x02\x00\xff\xff\xff\xff{", "\x93NUMPY\x09\x00\x01\x00{"} {
		if _, err := ReadNPYFrom("f", strings.NewReader(data), int64(len(data))); err == nil {
			t.Errorf("%q: no error", data)
		}
	}
}

func TestWriteNPY(t *testing.T) {
	dir := t.TempDir()
	for i, shape := range [][]int{{}, {6}, {2, 3}, {1, 2, 3}, {0, 2}, {5000, 1, 1, 1}} {
		path := filepath.Join(dir, "a.npy")
		data := make([]float32, numel(shape))
		for j := range data {
			data[j] = float32(j) + 0.25
		}
		if err := WriteNPY(path, shape, data); err != nil {
			t.Fatal(err)
		}
		x, err := ReadNPY(path)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(x.Shape, shape) || !slices.Equal(floats(t, x), data) {
			t.Errorf("%v: read back as %v", shape, x.Shape)
		}
		if raw, _ := os.ReadFile(path); (len(raw)-4*len(data))%64 != 0 {
			t.Errorf("%v: the data begin at byte %d", shape, len(raw)-4*len(data))
		}
		if i == 0 || len(data) == 0 {
			continue // npyio reads neither
		}
		var other []float32
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := npyio.Read(f, &other); err != nil || !slices.Equal(other, data) {
			t.Errorf("%v: npyio reads %d elements, %v", shape, len(other), err)
		}
		f.Close()
	}
	for _, x := range samples(t) {
		path := filepath.Join(dir, x.Name+".npy")
		err := WriteNPYTensor(path, x)
		if x.DType == tensor.BF16 {
			if err == nil {
				t.Error("bfloat16 was written")
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		back, err := ReadNPY(path)
		if err != nil {
			t.Fatal(err)
		}
		sameBits(t, x.Name, back, x)
	}
}
