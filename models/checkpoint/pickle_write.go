package checkpoint

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"

	"llana/tensor"
)

// pickler builds the pickle of a Value and collects the storages it mentions.
type pickler struct {
	out      []byte
	storages [][]byte
	keys     map[storageID]string // names of the storages
	globals  map[string]byte      // memo entries of names already written
}

// storageID tells whether two tensors have the same elements in memory.
type storageID struct {
	first *byte
	len   int
	dtype tensor.DType
}

func newPickler() *pickler {
	return &pickler{keys: map[storageID]string{}, globals: map[string]byte{}}
}

func (p *pickler) op(bytes ...byte) { p.out = append(p.out, bytes...) }

func (p *pickler) value(v Value, path string, depth int) error {
	if depth > maxDepth {
		return errTooDeep
	}
	switch v := v.(type) {
	case nil:
		p.op(opNone)
	case bool:
		p.bool(v)
	case int:
		p.int(int64(v))
	case int64:
		p.int(v)
	case float64:
		p.op(opBinFloat)
		p.out = binary.BigEndian.AppendUint64(p.out, math.Float64bits(v))
	case string:
		return p.string(v)
	case []byte:
		return p.bytes(v)
	case *Tensor:
		return p.tensor(v, path)
	case Sparse:
		return p.sparse(v, path)
	case *Dict:
		return p.dict(v, path, depth)
	case List:
		return p.list(v, path, depth)
	case Tuple:
		p.op(opMark)
		err := p.items(v, path, depth)
		p.op(opTuple)
		return err
	case Set:
		p.global("__builtin__", "set")
		err := p.list(List(v), path, depth)
		p.op(opTuple1, opReduce)
		return err
	default:
		for name, dt := range torchDTypes {
			if dt == v {
				p.global("torch", name[len("torch "):])
				return nil
			}
		}
		return fmt.Errorf("%q: a %T cannot stand in a PyTorch file", path, v)
	}
	return nil
}

func (p *pickler) bool(v bool) {
	if v {
		p.op(opNewTrue)
	} else {
		p.op(opNewFalse)
	}
}

func (p *pickler) int(v int64) {
	switch {
	case v >= 0 && v <= 0xff:
		p.op(opBinInt1, byte(v))
	case v >= 0 && v <= 0xffff:
		p.op(opBinInt2, byte(v), byte(v>>8))
	case v >= math.MinInt32 && v <= math.MaxInt32:
		p.op(opBinInt)
		p.out = binary.LittleEndian.AppendUint32(p.out, uint32(v))
	default:
		p.op(opLong1, 8)
		p.out = binary.LittleEndian.AppendUint64(p.out, uint64(v))
	}
}

func (p *pickler) string(s string) error {
	if int64(len(s)) > math.MaxUint32 {
		return fmt.Errorf("a string of %d bytes is too long for a pickle", len(s))
	}
	p.op(opBinUnicode)
	p.out = binary.LittleEndian.AppendUint32(p.out, uint32(len(s)))
	p.out = append(p.out, s...)
	return nil
}

// bytes writes b the way Python does in protocol 2, which has no opcode for it.
func (p *pickler) bytes(b []byte) error {
	if len(b) == 0 {
		p.global("__builtin__", "bytes")
		p.op(opEmptyTuple, opReduce)
		return nil
	}
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	p.global("_codecs", "encode")
	err := p.string(string(runes))
	_ = p.string("latin1")
	p.op(opTuple2, opReduce)
	return err
}

// global writes a name, from the second time on as a reference to the memo.
func (p *pickler) global(module, name string) {
	key := module + "\n" + name + "\n"
	if id, ok := p.globals[key]; ok {
		p.op(opBinGet, id)
		return
	}
	id := byte(len(p.globals)) // there are fewer than 256 names in this file
	p.globals[key] = id
	p.op(opGlobal)
	p.out = append(p.out, key...)
	p.op(opBinPut, id)
}

func (p *pickler) items(vs []Value, path string, depth int) error {
	for i, v := range vs {
		if err := p.value(v, joinPath(path, int64(i)), depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (p *pickler) list(v List, path string, depth int) error {
	p.op(opEmptyList, opMark)
	err := p.items(v, path, depth)
	p.op(opAppends)
	return err
}

func (p *pickler) dict(d *Dict, path string, depth int) error {
	if d.Ordered {
		p.orderedDict()
	} else {
		p.op(opEmptyDict)
	}
	p.op(opMark)
	for _, k := range d.keys {
		if err := p.value(k, path, depth+1); err != nil {
			return err
		}
		if err := p.value(d.values[k], joinPath(path, k), depth+1); err != nil {
			return err
		}
	}
	p.op(opSetItems)
	return nil
}

func (p *pickler) orderedDict() {
	p.global("collections", "OrderedDict")
	p.op(opEmptyTuple, opReduce)
}

func (p *pickler) intTuple(ns []int) {
	p.op(opMark)
	for _, n := range ns {
		p.int(int64(n))
	}
	p.op(opTuple)
}

// storage returns the name of the tensor's storage.
func (p *pickler) storage(t *Tensor) string {
	key := strconv.Itoa(len(p.storages))
	if len(t.Data) > 0 {
		id := storageID{&t.Data[0], len(t.Data), t.DType}
		if known, ok := p.keys[id]; ok {
			return known
		}
		p.keys[id] = key
	}
	p.storages = append(p.storages, t.Data)
	return key
}

// tensor writes _rebuild_tensor_v2(storage, 0, size, stride, False, OrderedDict()).
func (p *pickler) tensor(t *Tensor, path string) error {
	if err := t.check(); err != nil {
		return fmt.Errorf("%q: %w", path, err)
	}
	class, ok := torchStorageOf(t.DType)
	if !ok {
		return fmt.Errorf("%q: a PyTorch file cannot hold %v: convert it to float32 or a 16-bit type", path, t.DType)
	}
	key := p.storage(t)
	p.global("torch._utils", "_rebuild_tensor_v2")
	p.op(opMark, opMark)
	_ = p.string("storage")
	p.global("torch", class)
	_ = p.string(key)
	_ = p.string("cpu")
	p.int(int64(t.Len()))
	p.op(opTuple, opBinPersID)
	p.int(0)
	p.intTuple(t.Shape)
	p.intTuple(cStrides(t.Shape))
	p.bool(false)
	p.orderedDict()
	p.op(opTuple, opReduce)
	return nil
}

// torchStorageOf returns the class of torch that stores elements of a type; ok
// is false for those that PyTorch does not have.
func torchStorageOf(d tensor.DType) (class string, ok bool) {
	for c, dt := range torchStorageTypes {
		if dt == d {
			return strings.TrimPrefix(string(c), "torch "), true
		}
	}
	return "", false
}

// sparse writes _rebuild_sparse_tensor(torch.sparse_coo, (indices, values, size)).
func (p *pickler) sparse(s Sparse, path string) error {
	indices, values, err := s.coo()
	if err != nil {
		return fmt.Errorf("%q: %w", path, err)
	}
	p.global("torch._utils", "_rebuild_sparse_tensor")
	p.global("torch.serialization", "_get_layout")
	_ = p.string("torch.sparse_coo")
	p.op(opTuple1, opReduce, opMark)
	if err := p.tensor(indices, path); err != nil {
		return err
	}
	if err := p.tensor(values, path); err != nil {
		return err
	}
	p.global("torch", "Size")
	p.intTuple(s.Dense.Shape)
	p.op(opTuple1, opReduce, opTuple, opTuple2, opReduce)
	return nil
}

// coo returns the positions (dimensions, n) and values (n) of the elements
// that are not zero, in C order. Every bit counts: -0 is kept.
func (s Sparse) coo() (indices, values *Tensor, err error) {
	t := s.Dense
	if err := t.check(); err != nil {
		return nil, nil, err
	}
	elem := t.DType.Size()
	var at []int
	data := []byte{}
	for i := range t.Len() {
		for _, b := range t.Data[i*elem : (i+1)*elem] {
			if b != 0 {
				at = append(at, i)
				data = append(data, t.Data[i*elem:(i+1)*elem]...)
				break
			}
		}
	}
	stride := cStrides(t.Shape)
	coords := make([]int64, 0, len(at)*len(t.Shape))
	for d, size := range t.Shape {
		for _, i := range at {
			coords = append(coords, int64(i/stride[d]%size))
		}
	}
	indices = FromInt64("indices", []int{len(t.Shape), len(at)}, coords)
	return indices, &Tensor{Name: "values", DType: t.DType, Shape: []int{len(at)}, Data: data}, nil
}

func cStrides(shape []int) []int {
	stride := make([]int, len(shape))
	n := 1
	for i := len(shape) - 1; i >= 0; i-- {
		stride[i] = n
		n *= max(shape[i], 1) // as PyTorch has it for empty tensors
	}
	return stride
}
