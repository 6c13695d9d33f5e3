package checkpoint

import (
	"bytes"
	"strings"
	"testing"

	"llana/tensor"
)

func TestMalformedPickles(t *testing.T) {
	for pickle, want := range map[string]string{
		"":                                       "without a STOP",
		"N":                                      "without a STOP",
		".":                                      "unbalanced",
		"NN.":                                    "unbalanced",
		"(N.":                                    "unbalanced",
		"0.":                                     "stack is empty",
		"N(0.":                                   "stack is empty", // below the mark
		"t.":                                     "no mark",
		"X\xff\xff\xff\xffab.":                   "expected 4294967295 more bytes, found 3",
		"\x8d\xff\xff\xff\xff\xff\xff\xff\xff":   "more bytes",
		"X\x01\x00\x00\x00\xff.":                 "UTF-8",
		"\x8a\x09123456789.":                     "integer of 9 bytes",
		"G123":                                   "expected 8 more bytes",
		"h\x05.":                                 "memo entry 5",
		"NNa.":                                   "expected a list",
		"N(NNu.":                                 "expected a dict",
		"}(Nu.":                                  "pairs",
		"NNR.":                                   "tuple of arguments",
		"N)R.":                                   "cannot be called",
		"}Nb.":                                   "attributes",
		"NQ.":                                    "persistent id",
		"\x80\x01N.":                             "protocol 1",
		"I1\n.":                                  "opcode 0x49",
		"cos\nsystem\n.":                         `"os system"`,
		"c__builtin__\neval\n.":                  `"__builtin__ eval"`,
		"cos":                                    "unterminated",
		"NN\x93.":                                "module and a name",
		"ctorch\nFloatStorage\n)R.":              "cannot be called",
		"ctorch\nFloatStorage\n.":                "cannot stand on its own",
		"ccollections\nOrderedDict\nN\x85R.":     "unexpected arguments",
		"ctorch._utils\n_rebuild_tensor_v2\n)R.": "unexpected arguments",
		"ctorch._utils\n_rebuild_parameter\n(NNNtR.":         "unexpected arguments",
		"ctorch._utils\n_rebuild_sparse_tensor\n(NNtR.":      "layout",
		"ctorch\nSize\nN\x85R.":                              "unexpected arguments",
		"ctorch\ndevice\nN\x85R.":                            "unexpected arguments",
		"c__builtin__\nset\nN\x85R.":                         "unexpected arguments",
		"c_codecs\nencode\n(U\x01aU\x04utf8tR.":              "unexpected arguments",
		"c_codecs\nencode\n(U\x03\xe2\x82\xacU\x06latin1tR.": "unexpected arguments",
		"}(NNu.": "a dict key is None",
		strings.Repeat("]", 200) + strings.Repeat("a", 199) + ".": "nested more than",
		"]q\x000" + strings.Repeat("N0", maxOpcodes/2) + ".":      "opcodes",
	} {
		data := torchFile(t, []byte(pickle), nil)
		_, err := ReadTorchFrom("f", bytes.NewReader(data), int64(len(data)))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want it to mention %q", pickle, err, want)
		}
	}
}

func TestMalformedSparseTensors(t *testing.T) {
	f32, i64 := &storage{"0", tensor.F32, 4}, &storage{"0", tensor.I64, 4}
	vector := func(s *storage, n int) *denseTensor { return &denseTensor{s, 0, []int{n}, []int{1}} }
	matrix := func(s *storage, n, m int) *denseTensor { return &denseTensor{s, 0, []int{n, m}, []int{m, 1}} }
	raw := FromInt64("", []int{4}, []int64{0, 2, 1, 0}).Data
	data := torchFile(t, nil, raw)
	z, err := openTorchZip("f", bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		sparse sparseTensor
		want   string // empty: valid
	}{
		{sparseTensor{matrix(i64, 2, 2), vector(f32, 2), []int{3, 2}}, ""},
		{sparseTensor{matrix(i64, 2, 2), vector(f32, 2), []int{2, 2}}, "index 2 of dimension 0 is outside 0..1"},
		{sparseTensor{matrix(i64, 2, 2), vector(f32, 2), []int{3}}, "do not make"},
		{sparseTensor{matrix(i64, 1, 2), vector(f32, 3), []int{3}}, "do not make"},
		{sparseTensor{matrix(f32, 1, 2), vector(f32, 2), []int{3}}, "do not make"},
		{sparseTensor{vector(i64, 2), vector(f32, 2), []int{3}}, "do not make"},
		{sparseTensor{matrix(i64, 1, 2), matrix(f32, 2, 2), []int{3, 1}}, "do not make"},
		{sparseTensor{matrix(i64, 1, 9), vector(f32, 9), []int{3}}, "indices: 9 elements"},
		{sparseTensor{matrix(i64, 1, 2), vector(f32, 2), []int{1 << 50}}, "much larger"},
		{sparseTensor{matrix(i64, 1, 2), &denseTensor{f32, 0, []int{2, 0}, []int{1, 1}}, []int{1 << 50, 0}}, "much larger"},
		{sparseTensor{matrix(i64, 1, 2), vector(f32, 2), []int{-3}}, "not possible"},
	} {
		_, err := c.sparse.check(z)
		if err == nil {
			_, err = c.sparse.load(z)
		}
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%v in %v: %v, want %q", c.sparse.indices.shape, c.sparse.shape, err, c.want)
		}
	}
}
