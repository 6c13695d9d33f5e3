package kernels_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"llana/kernels"
	"llana/kernels/conformance"
	"llana/kernels/dialect"
)

// plans calls f with the plan of every case of every operation, under the
// limits every device has.
func plans(f func(op *kernels.Op, c kernels.Case, plan *kernels.Plan)) {
	conformance.Plans(kernels.BaseLimits, f)
}

// variants returns every specialised shader text by its key.
func variants(t *testing.T) map[string]string {
	texts := map[string]string{}
	plans(func(op *kernels.Op, c kernels.Case, plan *kernels.Plan) {
		for _, d := range plan.Dispatches {
			text, err := d.Source()
			if err != nil {
				t.Errorf("%s, %s: %v", op.Name, c.Name, err)
				continue
			}
			texts[d.Key()] = text
		}
	})
	return texts
}

// Every kernel, in every variant that a case uses, stays inside the dialect.
func TestShaderDialect(t *testing.T) {
	for key, text := range variants(t) {
		for _, f := range dialect.Check(text) {
			t.Errorf("%s: %v", key, f)
		}
	}
}

// Every shader file is used by some case.
func TestShadersUsed(t *testing.T) {
	used := map[string]bool{}
	plans(func(_ *kernels.Op, _ kernels.Case, plan *kernels.Plan) {
		for _, d := range plan.Dispatches {
			used[d.Shader+".wgsl"] = true
		}
	})
	files, err := filepath.Glob("*.wgsl")
	if err != nil || len(files) == 0 {
		t.Fatalf("no shaders: %v", err)
	}
	for _, f := range files {
		if !used[f] {
			t.Errorf("%s: no case of any operation uses it", f)
		}
	}
}

// Grids and bindings of every plan stay inside the limits.
func TestPlans(t *testing.T) {
	plans(func(op *kernels.Op, c kernels.Case, plan *kernels.Plan) {
		for _, d := range plan.Dispatches {
			for _, g := range d.Groups {
				if g > uint32(kernels.BaseLimits.MaxGroups) {
					t.Errorf("%s, %s: grid %v of %s", op.Name, c.Name, d.Groups, d.Shader)
				}
			}
			if n := len(d.Bind); n > 8 {
				t.Errorf("%s, %s: %s binds %d buffers, at most 8", op.Name, c.Name, d.Shader, n)
			}
		}
	})
}

// Two other compilers accept every variant, where they are installed.
func TestShadersValidate(t *testing.T) {
	texts := variants(t)
	for _, tool := range [][]string{{"naga"}, {"tint", "--format", "wgsl"}} {
		t.Run(tool[0], func(t *testing.T) {
			if _, err := exec.LookPath(tool[0]); err != nil {
				t.Skipf("%s is not installed", tool[0])
			}
			if testing.Short() {
				t.Skip("short")
			}
			file := filepath.Join(t.TempDir(), "kernel.wgsl")
			for _, key := range sortedKeys(texts) {
				if err := os.WriteFile(file, []byte(texts[key]), 0o644); err != nil {
					t.Fatal(err)
				}
				if out, err := exec.Command(tool[0], append(tool[1:len(tool):len(tool)], file)...).CombinedOutput(); err != nil {
					t.Errorf("%s: %v\n%s", key, err, strings.TrimSpace(string(out)))
				}
			}
		})
	}
}

func sortedKeys(m map[string]string) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
