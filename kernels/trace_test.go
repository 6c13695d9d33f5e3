package kernels_test

import (
	"context"
	"strings"
	"testing"

	"llana/kernels"
	"llana/tensor"
)

func TestTrace(t *testing.T) {
	var out strings.Builder
	d := kernels.Trace(kernels.NewReference(tensor.F32), &out, false)
	x := tensor.Float32(d, make([]float32, 64*64), 64, 64)
	for range 3 {
		kernels.Run(d, kernels.Scale, kernels.ScaleParams{By: 2}, x)
	}
	y := kernels.Run(d, kernels.MatMul, kernels.MatMulParams{}, x, x, nil)[0]
	if _, err := y.ReadFloat32(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 || !strings.Contains(lines[0], "reference") {
		t.Fatalf("want a heading and two operations, got\n%s", out.String())
	}
	// A product of 64^3 takes longer than scaling 64^2 elements three times.
	if f := strings.Fields(lines[1]); f[0] != "1" || f[len(f)-1] != "matmul" {
		t.Errorf("first row: %s", lines[1])
	}
	if f := strings.Fields(lines[2]); f[0] != "3" || f[len(f)-1] != "scale" {
		t.Errorf("second row: %s", lines[2])
	}
}

func TestTraceByShape(t *testing.T) {
	var out strings.Builder
	d := kernels.Trace(kernels.NewReference(tensor.F32), &out, true)
	for _, n := range []int{10, 20, 10} {
		x := tensor.Float32(d, make([]float32, n), n)
		kernels.Run(d, kernels.Scale, kernels.ScaleParams{By: 2}, x)
	}
	d.Close()
	if s := out.String(); !strings.Contains(s, "scale [[10]] -> [[10]]") || !strings.Contains(s, "scale [[20]] -> [[20]]") {
		t.Errorf("got\n%s", s)
	}
}
