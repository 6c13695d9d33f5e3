package checkpoint

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"llana/tensor"
)

func safetensorsBytes(header string, data int) []byte {
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(out, header...), make([]byte, data)...)
}

func TestSafetensorsHeader(t *testing.T) {
	const f32 = `"dtype":"F32"`
	entry := func(name, dtype, shape, offsets string) string {
		return fmt.Sprintf(`"%s":{"dtype":"%s","shape":%s,"data_offsets":%s}`, name, dtype, shape, offsets)
	}
	a, b := entry("a", "F32", "[2]", "[0,8]"), entry("b", "U8", "[]", "[8,9]")
	for _, c := range []struct {
		header string
		data   int
		want   string // empty: valid
	}{
		{`{` + a + `,` + b + `}`, 9, ""},
		{`{` + b + `,` + a + `}   `, 9, ""},
		{`{"__metadata__":{"k":"v"},` + a + `}`, 8, ""},
		{`{` + a + `,` + entry("e", "F64", "[0,3]", "[8,8]") + `,` + b + `}`, 9, ""},
		{`{}`, 0, ""},
		{`{` + a + `}`, 7, "do not lie in the data section of 7 bytes"},
		{`{` + a + `}`, 9, "end at byte 8 of the data, the file at 9"},
		{`{` + b + `}`, 9, "expected to begin at byte 0"},
		{`{` + a + `,` + entry("b", "U8", "[8]", "[0,8]") + `}`, 8, "overlap"},
		{`{` + a + `,` + entry("b", "U8", "[4]", "[4,8]") + `}`, 8, "overlap"},
		{`{` + a + `,` + a + `}`, 8, "twice"},
		{`{` + entry("a", "F32", "[3]", "[0,8]") + `}`, 8, "does not fill the 8 bytes"},
		{`{` + entry("a", "F32", "[2]", "[8,0]") + `}`, 8, "do not lie"},
		{`{` + entry("a", "F32", "[2]", "[0,8,9]") + `}`, 8, "two data_offsets"},
		{`{"a":{` + f32 + `,"data_offsets":[0,8]}}`, 8, "expected a shape"},
		{`{` + entry("a", "F32", "[-2]", "[0,8]") + `}`, 8, "number -2"},
		{`{` + entry("a", "F32", "[4611686018427387904,4611686018427387904]", "[0,0]") + `}`, 0, "does not fill"},
		{`{` + entry("a", "F32", "[18446744073709551615]", "[0,8]") + `}`, 8, "too large"},
		{`{` + entry("a", "F32", "[1]", "[18446744073709551612,18446744073709551615]") + `}`, 8, "do not lie"},
		{`{` + entry("a", "C64", "[1]", "[0,8]") + `}`, 8, `dtype "C64"`},
		{`{"__metadata__":{"k":1}}`, 0, "__metadata__"},
		{`{` + a + `}x`, 8, "after the JSON object"},
		{`{` + a, 8, "EOF"},
		{`{"a":[]}`, 8, `tensor "a"`},
	} {
		data := safetensorsBytes(c.header, c.data)
		src, err := OpenReader("m.safetensors", bytes.NewReader(data), int64(len(data)))
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.header, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "m.safetensors: ")):
			t.Errorf("%s: %v, want it to mention %q", c.header, err, c.want)
		case err == nil:
			for _, name := range src.Names() {
				load(t, src, name)
			}
		}
	}
}

func TestHostileHeaderLength(t *testing.T) {
	for _, n := range []uint64{1 << 63, 1<<63 + 8, 1<<64 - 1, 1 << 40, maxSafetensorsHeader + 1, 17} {
		data := append(binary.LittleEndian.AppendUint64(nil, n), "{               "...)
		if _, err := OpenReader("f", bytes.NewReader(data), int64(len(data))); err == nil || !strings.Contains(err.Error(), "header of") {
			t.Errorf("length %d: %v", n, err)
		}
	}
}

func TestOtherContent(t *testing.T) {
	dir := t.TempDir()
	for content, want := range map[string]string{
		"":                                      "found 0 bytes",
		"version https://git-lfs.g":             "Git LFS",
		"\x93NUMPY\x01\x00v\x00{'descr":         "NumPy array",
		"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P": "before PyTorch 1.6",
		"PK\x03\x04nothing more":                "zip",
		"<!DOCTYPE html>":                       "begin with",
	} {
		path := filepath.Join(dir, "f")
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), path) {
			t.Errorf("%q: %v, want it to mention %q", content, err, want)
		}
	}
	if _, err := Open(filepath.Join(dir, "absent")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent file: %v", err)
	}
}

// samples are tensors of every type, with sizes that would misalign each other
// in the given order.
func samples(t *testing.T) []*Tensor {
	wide := FromFloat32("wide", []int{5}, []float32{1, -2, 0.5, 3e5, 1e-6})
	ts := []*Tensor{
		FromBools("bool", []int{3}, []bool{true, false, true}), wide,
		FromInt64("i64", []int{1, 2}, []int64{-5, 1 << 40}), FromInt32("i32", []int{2}, []int32{-7, 7}),
		FromFloat32("empty", []int{0, 4}, nil), FromFloat32("scalar", nil, []float32{2}),
		{Name: "u8", DType: tensor.U8, Shape: []int{1}, Data: []byte{9}},
		{Name: "f64", DType: tensor.F64, Shape: []int{1}, Data: []byte{0, 0, 0, 0, 0, 0, 0xf0, 0x3f}},
	}
	for name, dt := range map[string]tensor.DType{"half": tensor.F16, "brain": tensor.BF16} {
		x, err := wide.To(dt)
		if err != nil {
			t.Fatal(err)
		}
		x.Name = name
		ts = append(ts, x)
	}
	return ts
}

func TestSafetensorsRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	want := samples(t)
	if err := WriteSafetensors(path, want, map[string]string{"who": "ä \"quoted\""}); err != nil {
		t.Fatal(err)
	}
	src, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if len(src.Names()) != len(want) || Metadata(src)["who"] != "ä \"quoted\"" {
		t.Errorf("names %q, metadata %q", src.Names(), Metadata(src))
	}
	for _, w := range want {
		sameBits(t, w.Name, load(t, src, w.Name), w)
		at := src.(*fileSource).Source.(*safetensorsFile).tensors[w.Name].at
		if at%int64(w.DType.Size()) != 0 {
			t.Errorf("%s begins at byte %d", w.Name, at)
		}
	}
	if _, err := src.Tensor("absent"); !errors.Is(err, ErrNoTensor) || !strings.Contains(err.Error(), path) {
		t.Errorf("absent tensor: %v", err)
	}
}

func TestWriteSafetensorsRefuses(t *testing.T) {
	dir := t.TempDir()
	x := FromFloat32("x", []int{1}, []float32{1})
	path := filepath.Join(dir, "m.safetensors")
	if err := WriteSafetensors(path, []*Tensor{x}, nil); err != nil {
		t.Fatal(err)
	}
	short := &Tensor{Name: "y", DType: tensor.F32, Shape: []int{2}, Data: make([]byte, 4)}
	meta := FromFloat32(metadataKey, []int{1}, []float32{1})
	for _, ts := range [][]*Tensor{{x, x}, {x, short}, {meta}} {
		if err := WriteSafetensors(path, ts, nil); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%v: %v", ts, err)
		}
	}
	// The good file is still there, and nothing else.
	if s, err := Open(path); err != nil {
		t.Error(err)
	} else {
		sameBits(t, "x", load(t, s, "x"), x)
		s.Close()
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("files left behind: %v", left)
	}
}

func TestWriteModel(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "here")
	want := samples(t)
	src, err := FromTensors(want...)
	if err != nil {
		t.Fatal(err)
	}
	sharded := []string{safetensorsIndex, "model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors", "model-00003-of-00003.safetensors"}
	for _, c := range []struct {
		maxShard int64
		files    []string
	}{
		{1 << 20, []string{safetensorsName}},
		{30, sharded}, // replaces the single file
		{30, sharded},
		{1 << 20, []string{safetensorsName}}, // and the other way round
	} {
		if err := WriteModel(dir, src, c.maxShard); err != nil {
			t.Fatal(err)
		}
		var files []string
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			files = append(files, e.Name())
		}
		if slices.Sort(c.files); !slices.Equal(files, c.files) {
			t.Errorf("limit %d: files %q, want %q", c.maxShard, files, c.files)
		}
		got, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			sameBits(t, w.Name, load(t, got, w.Name), w)
		}
		got.Close()
	}
}
