package kernels

import (
	"errors"
	"reflect"
	"testing"
)

func TestBroadcastMergesAxes(t *testing.T) {
	for _, c := range []struct {
		a, b, shape []int
		axes        []AxisPair
	}{
		{[]int{3, 5, 7}, []int{3, 5, 7}, []int{3, 5, 7}, []AxisPair{{105, 1, 1}}},
		{[]int{3, 5, 7}, []int{7}, []int{3, 5, 7}, []AxisPair{{7, 1, 1}, {15, 7, 0}}},
		{[]int{3, 5, 7}, []int{5, 1}, []int{3, 5, 7}, []AxisPair{{7, 1, 0}, {5, 7, 1}, {3, 35, 0}}},
		{[]int{3, 1}, []int{1, 4}, []int{3, 4}, []AxisPair{{4, 0, 1}, {3, 1, 0}}},
		{[]int{1}, []int{2, 3}, []int{2, 3}, []AxisPair{{6, 0, 1}}},
		{nil, nil, []int{}, []AxisPair{{Len: 1}}},
	} {
		shape, axes := Broadcast("test", c.a, c.b)
		if !sameShape(shape, c.shape) || !reflect.DeepEqual(axes, c.axes) {
			t.Errorf("Broadcast(%v, %v) = %v, %v; want %v, %v", c.a, c.b, shape, axes, c.shape, c.axes)
		}
	}
}

func TestOperandsThatDoNotFitPanic(t *testing.T) {
	permute := func(perm ...int) (p PermuteParams) {
		copy(p.Perm[:], perm)
		return p
	}
	block := AxisBlock(2, 3, 4, 4, 0, 5, 1)
	for name, f := range map[string]func(){
		"broadcast":               func() { Add.OutShapes(None{}, [][]int{{3, 4}, {3}}) },
		"no such axis":            func() { Sum.OutShapes(ReduceParams{2}, [][]int{{3, 4}}) },
		"maximum of nothing":      func() { Max.OutShapes(ReduceParams{1}, [][]int{{3, 0}}) },
		"axis twice":              func() { Permute.OutShapes(permute(0, 0), [][]int{{3, 4}}) },
		"axis outside":            func() { Permute.OutShapes(permute(0, 2), [][]int{{3, 4}}) },
		"too many axes":           func() { Permute.OutShapes(permute(0, 1, 2, 3, 4), [][]int{{1, 1, 1, 1, 1, 1}}) },
		"block leaves the input":  func() { block.Axes([]int{2, 4, 2}, []int{2, 5, 3}) },
		"block leaves the output": func() { block.Axes([]int{2, 4, 3}, []int{2, 4, 3}) },
		"negative offset":         func() { AxisBlock(2, 3, 4, 4, -1, 5, 1).Axes([]int{2, 4, 3}, []int{2, 5, 3}) },
		"weight of a norm":        func() { LayerNorm.OutShapes(NormParams{}, [][]int{{3, 4}, {3}, {4}}) },
		"rows of nothing":         func() { RMSNorm.OutShapes(NormParams{}, [][]int{{3, 0}, {0}}) },
		"statistics of no rows":   func() { BatchNorm.OutShapes(NormParams{}, [][]int{{0, 4}, {4}, {4}}) },
		"unbiased variance of one": func() {
			BatchNormUpdate.OutShapes(BatchNormUpdateParams{0.1, 1}, [][]int{{4}, {4}})
		},
		"loss of different shapes": func() { SmoothL1.OutShapes(None{}, [][]int{{3, 4}, {4, 3}}) },
		"step of the optimiser":    func() { AdamW.OutShapes(AdamWParams{}, [][]int{{3}, {2}, nil}) },
	} {
		err := func() (err error) {
			defer func() { err, _ = recover().(error) }()
			f()
			return nil
		}()
		var shape *ShapeError
		if !errors.As(err, &shape) {
			t.Errorf("%s: panicked with %v, want a ShapeError", name, err)
		}
	}
	block.Axes([]int{2, 4, 3}, []int{2, 5, 3}) // fits
}
