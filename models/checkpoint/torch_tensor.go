package checkpoint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"llana/tensor"
)

// torchTensor is a tensor whose elements are still in the file.
type torchTensor interface {
	// id is the same for two tensors with the same elements in the file.
	id() string
	describe() (tensor.DType, []int)
	// check validates the tensor against the file without reading elements and
	// returns the number of bytes that load will take.
	check(z *torchZip) (int64, error)
	load(z *torchZip) (*Tensor, error)
}

// denseTensor is a strided view of a storage.
type denseTensor struct {
	storage       *storage
	offset        int // in elements
	shape, stride []int
}

func (t *denseTensor) id() string {
	return fmt.Sprintf("%q %v %d %d %d", t.storage.key, t.storage.dtype, t.offset, t.shape, t.stride)
}

func (t *denseTensor) describe() (tensor.DType, []int) { return t.storage.dtype, t.shape }

func (t *denseTensor) check(z *torchZip) (int64, error) {
	st := t.storage
	n, err := span(t.shape, t.stride, t.offset)
	if err != nil {
		return 0, err
	}
	if n > st.len || t.offset > st.len-n {
		return 0, fmt.Errorf("%d elements at offset %d reach beyond the storage's %d", n, t.offset, st.len)
	}
	f, _, err := z.entry("data/" + st.key)
	if err != nil {
		return 0, err
	}
	elem := st.dtype.Size()
	if f.UncompressedSize64/uint64(elem) < uint64(st.len) {
		return 0, fmt.Errorf("a storage of %d %v needs more than the %d bytes of zip entry %q", st.len, st.dtype, f.UncompressedSize64, f.Name)
	}
	return checkSize(z, t.shape, elem)
}

// checkSize refuses a tensor that is out of proportion to its file.
func checkSize(z *torchZip, shape []int, elem int) (int64, error) {
	bytes, ok := byteSize(shape, elem)
	if !ok {
		return 0, fmt.Errorf("shape %v is not possible", shape)
	}
	if bytes > z.size+expansionSlack {
		return 0, fmt.Errorf("shape %v is much larger than the file", shape)
	}
	return bytes, nil
}

func (t *denseTensor) load(z *torchZip) (*Tensor, error) {
	n, err := span(t.shape, t.stride, t.offset)
	if err != nil {
		return nil, err
	}
	elem := t.storage.dtype.Size()
	raw, err := z.readRange("data/"+t.storage.key, int64(t.offset)*int64(elem), int64(n)*int64(elem))
	if err != nil {
		return nil, err
	}
	data := gather(raw, t.shape, t.stride, elem)
	return &Tensor{DType: t.storage.dtype, Shape: slices.Clone(t.shape), Data: data}, nil
}

// sparseTensor is a coalesced COO tensor: values[i] stands at the position
// indices[:, i]. The leading dimensions are sparse; further dimensions of
// values are dense.
type sparseTensor struct {
	indices, values *denseTensor
	shape           []int
}

func (t *sparseTensor) id() string {
	return fmt.Sprintf("%s, %s, %d", t.indices.id(), t.values.id(), t.shape)
}

func (t *sparseTensor) describe() (tensor.DType, []int) { return t.values.storage.dtype, t.shape }

func (t *sparseTensor) check(z *torchZip) (int64, error) {
	if _, err := t.indices.check(z); err != nil {
		return 0, fmt.Errorf("indices: %w", err)
	}
	if _, err := t.values.check(z); err != nil {
		return 0, fmt.Errorf("values: %w", err)
	}
	is, vs := t.indices.shape, t.values.shape
	if t.indices.storage.dtype != tensor.I64 || len(is) != 2 || len(vs) == 0 || is[1] != vs[0] ||
		is[0] > len(t.shape) || !slices.Equal(vs[1:], t.shape[is[0]:]) {
		return 0, fmt.Errorf("%v indices %v and values %v do not make a sparse tensor of shape %v", t.indices.storage.dtype, is, vs, t.shape)
	}
	// load keeps a note for each sparse position, also when the dense part of
	// the shape is empty.
	if _, err := checkSize(z, t.shape[:is[0]], 1); err != nil {
		return 0, err
	}
	return checkSize(z, t.shape, t.values.storage.dtype.Size())
}

func (t *sparseTensor) load(z *torchZip) (*Tensor, error) {
	indices, err := t.indices.load(z)
	if err != nil {
		return nil, fmt.Errorf("indices: %w", err)
	}
	values, err := t.values.load(z)
	if err != nil {
		return nil, fmt.Errorf("values: %w", err)
	}
	sparseDims := t.indices.shape[0]
	blocks := numel(t.shape[:sparseDims])
	block := numel(t.shape[sparseDims:]) * values.DType.Size()
	out := &Tensor{DType: values.DType, Shape: slices.Clone(t.shape), Data: make([]byte, blocks*block)}
	seen := make([]bool, blocks)
	nnz := t.values.shape[0]
	for i := range nnz {
		at := 0
		for d, size := range t.shape[:sparseDims] {
			x := int64(binary.LittleEndian.Uint64(indices.Data[8*(d*nnz+i):]))
			if x < 0 || x >= int64(size) {
				return nil, fmt.Errorf("index %d of dimension %d is outside 0..%d", x, d, size-1)
			}
			at = at*size + int(x)
		}
		if seen[at] {
			return nil, errors.New("a position occurs twice; sparse tensors must be coalesced")
		}
		seen[at] = true
		copy(out.Data[at*block:(at+1)*block], values.Data[i*block:])
	}
	return out, nil
}
