package checkpoint

import (
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"llana/tensor"
)

// Load reads a tensor of src into dst, which has its shape and may have another
// floating-point type, piece by piece: of the file it holds a few megabytes at a
// time.
func Load(src Source, name string, dst *tensor.Tensor) error {
	info, err := src.Info(name)
	if err != nil {
		return err
	}
	if !slices.Equal(info.Shape, dst.Shape()) {
		return fmt.Errorf("tensor %q has shape %v, expected %v", name, info.Shape, dst.Shape())
	}
	if info.DType == dst.DType() {
		return Stream(src, name, 1, func(at int64, piece []byte) error {
			dst.StoreRaw(int(at), piece)
			return nil
		})
	}
	if info.Len() == 0 {
		return nil
	}
	width := info.Shape[len(info.Shape)-1]
	row := info.DType.Bytes([]int{1, width})
	return Stream(src, name, row, func(at int64, piece []byte) error {
		rows := len(piece) / row
		v := make([]float32, rows*width)
		if err := widenRows(info.DType, piece, width, v); err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
		if err := dst.StoreRows(int(at)/row, v); err != nil {
			return fmt.Errorf("tensor %q as %v: from row %d on: %w", name, dst.DType(), int(at)/row, err)
		}
		return nil
	})
}

// widenRows converts the bytes of some rows on all processors.
func widenRows(dt tensor.DType, data []byte, width int, out []float32) error {
	rows, stride := len(out)/width, dt.Bytes([]int{1, width})
	each := max(1, (rows+runtime.GOMAXPROCS(0)-1)/runtime.GOMAXPROCS(0))
	var g errgroup.Group
	for r := 0; r < rows; r += each {
		n := min(each, rows-r)
		g.Go(func() error {
			t := Tensor{DType: dt, Shape: []int{n, width}, Data: data[r*stride : (r+n)*stride]}
			return t.widen(out[r*width : (r+n)*width])
		})
	}
	return g.Wait()
}
