package checkpoint

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"llana/tensor"
)

func TestShardedFolders(t *testing.T) {
	for _, folder := range []string{"sharded_safetensors", "sharded_bin"} {
		src := open(t, folder)
		if !slices.Equal(src.Names(), []string{"a", "b"}) {
			t.Errorf("%s: names %q", folder, src.Names())
		}
		if a := load(t, src, "a"); !slices.Equal(a.Shape, []int{2, 3}) || !slices.Equal(floats(t, a), []float32{0, 1, 2, 3, 4, 5}) {
			t.Errorf("%s: a = %v %v", folder, a.Shape, floats(t, a))
		}
		if b := load(t, src, "b"); b.DType != tensor.BF16 || !slices.Equal(floats(t, b), []float32{1.5, -2}) {
			t.Errorf("%s: b = %v %v", folder, b.DType, floats(t, b))
		}
		if _, err := src.Info("c"); !errors.Is(err, ErrNoTensor) {
			t.Errorf("%s: absent tensor: %v", folder, err)
		}
	}
}

func TestFaultyFolders(t *testing.T) {
	for _, c := range []struct{ index, want string }{
		{``, "JSON"},
		{`{"weight_map":{}}`, "found none"},
		{`{"weight_map":{"a":"../model-00001-of-00002.safetensors"}}`, "same folder"},
		{`{"weight_map":{"a":"C:\\x"}}`, "same folder"},
		{`{"weight_map":{"a":".."}}`, "same folder"},
		{`{"weight_map":{"a":""}}`, "same folder"},
		{`{"weight_map":{"a":"absent.safetensors"}}`, "absent.safetensors"},
		{`{"weight_map":{"b":"one.safetensors"}}`, "no such tensor"},
		{`{"weight_map":{"a":"sub"}}`, "found a folder"},
		{`{"weight_map":{"a":"` + safetensorsIndex + `"}}`, "expected safetensors"},
	} {
		dir := t.TempDir()
		err := WriteSafetensors(filepath.Join(dir, "one.safetensors"), []*Tensor{FromFloat32("a", nil, []float32{1})}, nil)
		if err == nil {
			err = os.Mkdir(filepath.Join(dir, "sub"), 0o777)
		}
		index := filepath.Join(dir, safetensorsIndex)
		if err == nil {
			err = os.WriteFile(index, []byte(c.index), 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err = Open(dir); err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), index) {
			t.Errorf("%s: %v, want it to mention %q", c.index, err, c.want)
		}
	}
	if _, err := Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "expected a model folder") {
		t.Errorf("empty folder: %v", err)
	}
}

func TestFromValue(t *testing.T) {
	x := FromFloat32("other name", nil, []float32{1})
	src, err := FromValue(NewDict("epoch", 3, "opt", NewDict(0, List{nil, x})))
	if err != nil {
		t.Fatal(err)
	}
	if names := src.Names(); !slices.Equal(names, []string{"opt.0.1"}) {
		t.Fatalf("names %q", names)
	}
	if got := load(t, src, "opt.0.1"); got.Name != "opt.0.1" || x.Name != "other name" {
		t.Errorf("names %q, %q", got.Name, x.Name)
	}
	if _, err := FromValue(NewDict("a", NewDict("b", x), "a.b", x)); err == nil {
		t.Error("two tensors of one name: no error")
	}
}
