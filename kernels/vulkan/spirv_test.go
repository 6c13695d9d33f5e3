//go:build !nogpu && !android && (linux || darwin || windows) && (amd64 || arm64)

package vulkan

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/gogpu/naga"
)

const workgroupKernel = `
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
var<workgroup> w: array<f32, 64>;
var<workgroup> s: f32;
fn touch(i: u32) { w[i] = f32(i); }
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) i: u32) {
    if (i == 0u) {
        s = f32();
    }
    touch(i);
    workgroupBarrier();
    y[i] = w[63u - i] + s;
}
`

func compileRaw(t testing.TB, text string) []uint32 {
	t.Helper()
	code, err := naga.Compile(text)
	if err != nil {
		t.Fatal(err)
	}
	words := make([]uint32, len(code)/4)
	for i := range words {
		words[i] = binary.LittleEndian.Uint32(code[4*i:])
	}
	return words
}

// The compiler's two stores go; the kernel's own store of zero stays.
func TestDropZeroing(t *testing.T) {
	words := compileRaw(t, workgroupKernel)
	got, err := dropZeroing(slices.Clone(words))
	if err != nil {
		t.Fatal(err)
	}
	if len(words)-len(got) != 2*3 {
		t.Errorf("%d words are gone, want two stores of three", len(words)-len(got))
	}
	again, err := dropZeroing(slices.Clone(got))
	if err != nil || !slices.Equal(got, again) {
		t.Errorf("a second pass changes the code (%v)", err)
	}
}

func TestDropZeroingNothing(t *testing.T) {
	words := compileRaw(t, `
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) i: u32) {
    if (i == 0u) { y[i] = f32(); }
}
`)
	got, err := dropZeroing(slices.Clone(words))
	if err != nil || !slices.Equal(got, words) {
		t.Errorf("code without workgroup memory was changed (%v)", err)
	}
}

func TestDropZeroingBroken(t *testing.T) {
	words := compileRaw(t, workgroupKernel)
	for _, bad := range [][]uint32{nil, {1, 2, 3, 4, 5, 6}, append(words[:5:5], 0), append(words[:5:5], 9<<16|opStore)} {
		if _, err := dropZeroing(bad); err == nil {
			t.Errorf("%x was accepted", bad)
		}
	}
}

func FuzzDropZeroing(f *testing.F) {
	var seed []byte
	for _, w := range compileRaw(f, workgroupKernel) {
		seed = binary.LittleEndian.AppendUint32(seed, w)
	}
	f.Add(seed)
	f.Add(seed[:40])
	f.Fuzz(func(t *testing.T, b []byte) {
		words := make([]uint32, len(b)/4)
		for i := range words {
			words[i] = binary.LittleEndian.Uint32(b[4*i:])
		}
		out, err := dropZeroing(words)
		if err == nil && len(out) > len(words) {
			t.Errorf("%d words became %d", len(words), len(out))
		}
	})
}
