package checkpoint

import (
	"fmt"
	"slices"

	"llana/tensor"
)

// Converted returns the tensors of src with other element types: to gives each
// one's, a floating type that can hold its shape, or Invalid to leave it as it
// is. Tensors are converted when they are read; Stream converts piece by piece.
// begin, which may be nil, is called before a tensor is streamed; its error ends
// that. Close closes src.
func Converted(src Source, to func(Info) tensor.DType, begin func(name string) error) Source {
	return &converted{src, to, begin}
}

type converted struct {
	src   Source
	to    func(Info) tensor.DType
	begin func(name string) error
}

func (c *converted) Names() []string { return c.src.Names() }
func (c *converted) Close() error    { return c.src.Close() }

func (c *converted) Info(name string) (Info, error) {
	info, err := c.src.Info(name)
	if err != nil {
		return info, err
	}
	if d := c.to(info); d != tensor.Invalid && isFloat(info.DType) {
		info.DType = d
	}
	return info, nil
}

func (c *converted) Tensor(name string) (*Tensor, error) {
	t, err := c.src.Tensor(name)
	if err != nil {
		return nil, err
	}
	if d := c.to(t.Info()); d != tensor.Invalid {
		return t.To(d)
	}
	return t, nil
}

// stream converts rows of the tensor as they come.
func (c *converted) stream(name string, f func(at int64, piece []byte) error) error {
	if c.begin != nil {
		if err := c.begin(name); err != nil {
			return err
		}
	}
	before, err := c.src.Info(name)
	if err != nil {
		return err
	}
	after, err := c.Info(name)
	if err != nil {
		return err
	}
	if after.DType == before.DType || before.Len() == 0 {
		return Stream(c.src, name, 1, f)
	}
	width := rowLen(before.Shape)
	row, out := before.DType.Bytes([]int{1, width}), after.DType.Bytes([]int{1, width})
	var wide []float32
	return Stream(c.src, name, row, func(at int64, piece []byte) error {
		rows := len(piece) / row
		wide = slices.Grow(wide[:0], rows*width)
		v := wide[:rows*width]
		if err := widenRows(before.DType, piece, width, v); err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
		first := at / int64(row)
		data, err := rounded(name, after.DType, v, rows, width)
		if err != nil {
			return fmt.Errorf("from row %d on: %w", first, err)
		}
		return f(first*int64(out), data)
	})
}

// rounded stores rows of a tensor as another type.
func rounded(name string, d tensor.DType, v []float32, rows, width int) ([]byte, error) {
	if shape := []int{rows, width}; tensor.CanPack(d, shape) {
		data, err := tensor.Pack(d, v, shape...)
		if err != nil {
			err = fmt.Errorf("tensor %q as %v: %w", name, d, err)
		}
		return data, err
	}
	t, err := FromFloat32(name, []int{rows, width}, v).To(d)
	if err != nil {
		return nil, err
	}
	return t.Data, nil
}

// write writes a tensor's bytes, which are checked to be as many as info says.
func write(w func([]byte) (int, error), src Source, info Info) error {
	now, err := src.Info(info.Name)
	if err != nil {
		return err
	}
	if now.DType != info.DType || !slices.Equal(now.Shape, info.Shape) {
		return fmt.Errorf("tensor %q: expected %v %v, found %v %v", info.Name, info.DType, info.Shape, now.DType, now.Shape)
	}
	var n int64
	err = Stream(src, info.Name, 1, func(_ int64, piece []byte) error {
		n += int64(len(piece))
		_, err := w(piece)
		return err
	})
	if err == nil && n != info.Bytes() {
		err = fmt.Errorf("tensor %q: %v %v needs %d bytes, found %d", info.Name, info.DType, info.Shape, info.Bytes(), n)
	}
	return err
}
