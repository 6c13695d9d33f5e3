package devices

import (
	"context"
	"strings"
	"testing"

	"llana/kernels"
	"llana/kernels/vulkan"
	"llana/tensor"
)

func TestBest(t *testing.T) {
	make := func(kinds ...string) (as []vulkan.Adapter) {
		for i, k := range kinds {
			as = append(as, vulkan.Adapter{Index: i, Info: kernels.Info{Kind: k}, Software: k == "cpu", Memory: 1})
		}
		return as
	}
	for _, c := range []struct {
		kinds []string
		want  int
	}{
		{[]string{"cpu"}, 0},
		{[]string{"cpu", "integrated gpu"}, 1},
		{[]string{"integrated gpu", "discrete gpu", "cpu"}, 1},
		{[]string{"discrete gpu", "discrete gpu"}, 0},
		{[]string{"other", "virtual gpu"}, 1},
		{[]string{"cpu", "other"}, 1},
	} {
		if best, ok := Best(make(c.kinds...)); !ok || best.Index != c.want {
			t.Errorf("of %v: %d", c.kinds, best.Index)
		}
	}
	if _, ok := Best(nil); ok {
		t.Error("there is a best of none")
	}
	null := make("discrete gpu", "integrated gpu")
	null[0].Memory = 0
	if best, ok := Best(null); !ok || best.Index != 1 {
		t.Errorf("a device without memory was preferred: %+v", best)
	}
}

// Exactly one device is the automatic one, it is no software driver, and
// "auto" opens it.
func TestAuto(t *testing.T) {
	entries, vulkanErr := List()
	if len(entries) == 0 || entries[0].Spec != "cpu" || entries[0].Info.Backend != "cpu" {
		t.Fatalf("entries %+v", entries)
	}
	if vulkanErr == nil && len(entries) == 1 {
		t.Error("no Vulkan device, and no reason")
	}
	var auto []Entry
	for _, e := range entries {
		if e.Auto {
			auto = append(auto, e)
		}
	}
	if len(auto) != 1 || auto[0].Software {
		t.Fatalf("automatic devices %+v", auto)
	}
	t.Setenv("LLANA_DEVICE", "")
	for _, spec := range []string{"", "auto"} {
		d, err := Open(spec)
		if err != nil {
			t.Fatal(err)
		}
		if d.Info() != auto[0].Info {
			t.Errorf("Open(%q) gives %+v, List says %+v", spec, d.Info(), auto[0].Info)
		}
		d.Close()
	}
}

func TestOpenWrong(t *testing.T) {
	for _, spec := range []string{"gpu", "cpu:", "cpu:x", "cpu:-1", "vulkan:", "vulkan:one", "auto:1", "vulkan:9999"} {
		d, err := Open(spec)
		if err == nil {
			d.Close()
			t.Errorf("%q was opened", spec)
			continue
		}
		if !strings.Contains(err.Error(), spec) {
			t.Errorf("%q: the error does not name it: %v", spec, err)
		}
	}
}

func TestOpenEnvironment(t *testing.T) {
	t.Setenv("LLANA_DEVICE", "cpu:1")
	d, err := Open("")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	x := tensor.Float32(d, []float32{3}, 1)
	y := kernels.Run(d, kernels.Scale, kernels.ScaleParams{By: 2}, x)[0]
	if v, err := y.ReadFloat32(context.Background()); err != nil || v[0] != 6 {
		t.Errorf("got %v, %v", v, err)
	}
}
