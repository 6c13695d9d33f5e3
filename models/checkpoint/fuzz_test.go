package checkpoint

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func seed(f *testing.F, patterns ...string) {
	f.Helper()
	for _, pattern := range patterns {
		files, err := filepath.Glob(filepath.Join("testdata", pattern))
		if err != nil || len(files) == 0 {
			f.Fatalf("no seeds match %s: %v", pattern, err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
}

// fuzzSource reads everything a Source offers and checks that it is consistent.
func fuzzSource(t *testing.T, data []byte) {
	src, err := OpenReader("f", bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return
	}
	for _, name := range src.Names() {
		info, err := src.Info(name)
		if err != nil {
			t.Fatalf("%q is listed: %v", name, err)
		}
		x, err := src.Tensor(name)
		if err != nil {
			continue
		}
		if err := x.check(); err != nil {
			t.Fatal(err)
		}
		if x.Name != name || x.DType != info.DType || !slices.Equal(x.Shape, info.Shape) {
			t.Fatalf("%q is %v %v, announced as %v %v", name, x.DType, x.Shape, info.DType, info.Shape)
		}
		var streamed []byte
		err = Stream(src, name, 1, func(_ int64, piece []byte) error {
			streamed = append(streamed, piece...)
			return nil
		})
		if err != nil || !bytes.Equal(streamed, x.Data) {
			t.Fatalf("%q is streamed as %d bytes instead of %d: %v", name, len(streamed), len(x.Data), err)
		}
	}
}

// fuzzTorch reads a file in both ways, and checks that what was read survives
// being written.
func fuzzTorch(t *testing.T, data []byte) {
	fuzzSource(t, data)
	v, err := ReadTorchFrom("f", bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return
	}
	var first, second bytes.Buffer
	if err := encodeTorch(&first, v); err != nil {
		t.Fatal(err)
	}
	v, err = ReadTorchFrom("f", bytes.NewReader(first.Bytes()), int64(first.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if err := encodeTorch(&second, v); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Fatal("a checkpoint changed while it was written and read")
	}
}

// limitMemory keeps a fuzzing process small.
func limitMemory(f *testing.F) {
	before := expansionSlack
	expansionSlack = 1 << 16
	f.Cleanup(func() { expansionSlack = before })
}

func FuzzTorch(f *testing.F) {
	limitMemory(f)
	seed(f, "*.pt", "nerf/*.pth", "llama/odd_tensors.bin", "sharded_bin/*.bin")
	f.Fuzz(fuzzTorch)
}

// FuzzPickle mutates the pickle alone, which the checksums of the zip file
// would otherwise protect.
func FuzzPickle(f *testing.F) {
	limitMemory(f)
	for _, pattern := range []string{"*.pt", "nerf/*.pth", "llama/odd_tensors.bin"} {
		files, _ := filepath.Glob(filepath.Join("testdata", pattern))
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			z, err := openTorchZip(file, bytes.NewReader(data), int64(len(data)))
			if err != nil {
				continue // a file that is refused before its pickle
			}
			if pickle, err := z.read("data.pkl", maxPickle); err == nil {
				f.Add(pickle)
			}
		}
	}
	f.Add(viewPickle(4, 0, []int{2, 3}, []int{2, 1}))
	storage := make([]byte, 256)
	for i := range storage {
		storage[i] = byte(i % 5 * (i % 8 / 7)) // as int64: small numbers
	}
	f.Fuzz(func(t *testing.T, pickle []byte) { fuzzTorch(t, torchFile(t, pickle, storage)) })
}

func FuzzSafetensors(f *testing.F) {
	seed(f, "llama/dtypes.safetensors", "sharded_safetensors/*.safetensors")
	f.Add(safetensorsBytes(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8))
	f.Add(safetensorsBytes(`{"__metadata__":{"llana.packed":"{\"a\":{\"dtype\":\"int8\",\"width\":16},\"b\":{\"dtype\":\"int4\",\"width\":16}}"},`+
		`"a":{"dtype":"U8","shape":[2,32],"data_offsets":[0,64]},"b":{"dtype":"U8","shape":[1,16],"data_offsets":[64,80]}}`, 80))
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzSource(t, data)
		src, err := openSafetensors("f", bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		infos, err := infosOf(src)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := writeSafetensors(&out, src, infos, src.metadata); err != nil {
			t.Fatal(err)
		}
		back, err := openSafetensors("f", bytes.NewReader(out.Bytes()), int64(out.Len()))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range src.Names() {
			sameBits(t, name, load(t, back, name), load(t, src, name))
		}
	})
}

func FuzzNPY(f *testing.F) {
	seed(f, "npy/*.npy")
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := ReadNPYFrom("f", bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		if err := x.check(); err != nil {
			t.Fatal(err)
		}
		header, err := npyHeaderText(x)
		if err != nil {
			t.Fatal(err)
		}
		r := io.MultiReader(bytes.NewReader(header), bytes.NewReader(x.Data))
		back, err := ReadNPYFrom("f", r, int64(len(header)+len(x.Data)))
		if err != nil {
			t.Fatal(err)
		}
		sameBits(t, "array", back, x)
	})
}

func FuzzIndex(f *testing.F) {
	seed(f, "sharded_*/*.index.json")
	f.Add([]byte(`{"weight_map":{"a":"../b"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		index, err := parseIndex(data)
		if err != nil {
			return
		}
		for name, file := range index.WeightMap {
			path := filepath.Join("folder", file)
			if filepath.Dir(path) != "folder" || !filepath.IsLocal(file) || strings.ContainsRune(file, 0) {
				t.Fatalf("tensor %q leads to %q", name, path)
			}
		}
	})
}
