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
		if done, err := readInto(src, name, dst); done || err != nil {
			return err
		}
		return Stream(src, name, 1, func(at int64, piece []byte) error {
			dst.StoreRaw(int(at), piece)
			return nil
		})
	}
	if info.Len() == 0 {
		return nil
	}
	width := rowLen(info.Shape)
	row := info.DType.Bytes([]int{1, width})
	var wide []float32
	return Stream(src, name, row, func(at int64, piece []byte) error {
		rows := len(piece) / row
		wide = slices.Grow(wide[:0], rows*width)
		v := wide[:rows*width]
		if err := widenRows(info.DType, piece, width, v); err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
		if err := dst.StoreRows(int(at)/row, v); err != nil {
			return fmt.Errorf("tensor %q as %v: from row %d on: %w", name, dst.DType(), int(at)/row, err)
		}
		return nil
	})
}

// rowLen returns the number of elements of a row, one for a scalar.
func rowLen(shape []int) int {
	if len(shape) == 0 {
		return 1
	}
	return shape[len(shape)-1]
}

// readInto reads a tensor that lies in its file as dst holds it straight into
// dst's memory, several pieces at a time: with the file in the page cache the
// time goes into copying and into fresh pages. done is false where that cannot
// be, and for files with checksums, which are read in order.
func readInto(src Source, name string, dst *tensor.Tensor) (done bool, err error) {
	s, ok, err := sectionOf(src, name)
	if _, onHost := dst.Buffer().(*tensor.HostBuffer); !ok || err != nil || s.hasCRC || !onHost {
		return false, err
	}
	raw := tensor.Raw(dst)
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for at := 0; at < len(raw); at += pieceBytes {
		g.Go(func() error {
			piece := raw[at:min(at+pieceBytes, len(raw))]
			if n, err := s.r.ReadAt(piece, s.at+int64(at)); n < len(piece) {
				return fmt.Errorf("tensor %q: %d bytes from byte %d of the file on: %w", name, len(piece), s.at+int64(at), err)
			}
			return nil
		})
	}
	return true, g.Wait()
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
