package checkpoint

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestPyTorchReadsOurFiles has PyTorch load what WriteTorch wrote. It runs when
// LLANA_TORCH_PYTHON names a Python interpreter with PyTorch and NumPy.
func TestPyTorchReadsOurFiles(t *testing.T) {
	python := os.Getenv("LLANA_TORCH_PYTHON")
	if python == "" {
		t.Skip("LLANA_TORCH_PYTHON is not set")
	}
	dir := t.TempDir()
	write := func(name string, v Value) {
		if err := WriteTorch(filepath.Join(dir, name), v); err != nil {
			t.Fatal(err)
		}
	}
	write("nerf_weights.pth", readTorch(t, "testdata/nerf/nerf_weights.pth"))
	grid := readTorch(t, "testdata/nerf/grid.pth")
	grid.Set("_binary", Sparse{must[*Tensor](t, grid, "_binary")})
	write("grid.pth", grid)
	write("train.pt", readTorch(t, "testdata/train.pt"))
	write("objects.pt", readTorch(t, "testdata/objects.pt"))
	tied := FromFloat32("x", []int{2}, []float32{1, 2})
	write("tied.pt", NewDict("a", tied, "b", tied))
	if out, err := exec.Command(python, "testdata/check.py", dir, "testdata").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
