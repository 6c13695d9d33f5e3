package checkpoint

import (
	"errors"
	"fmt"
	"slices"

	"llana/tensor"
)

// torchStorageTypes are the storage classes with an element type of ours.
var torchStorageTypes = map[pyGlobal]tensor.DType{
	"torch FloatStorage":    tensor.F32,
	"torch DoubleStorage":   tensor.F64,
	"torch HalfStorage":     tensor.F16,
	"torch BFloat16Storage": tensor.BF16,
	"torch LongStorage":     tensor.I64,
	"torch IntStorage":      tensor.I32,
	"torch ByteStorage":     tensor.U8,
	"torch BoolStorage":     tensor.Bool,
}

// torchDTypes are the dtype objects, which stand in a file as globals.
var torchDTypes = map[string]tensor.DType{
	"torch float32":  tensor.F32,
	"torch float64":  tensor.F64,
	"torch float16":  tensor.F16,
	"torch bfloat16": tensor.BF16,
	"torch int64":    tensor.I64,
	"torch int32":    tensor.I32,
	"torch uint8":    tensor.U8,
	"torch bool":     tensor.Bool,
}

// torchFuncs are the callables a file may name, with their meaning.
var torchFuncs map[pyGlobal]func(args []any) (any, error)

func init() { // breaks the initialisation cycle through torchCall
	torchFuncs = map[pyGlobal]func(args []any) (any, error){
		"torch._utils _rebuild_tensor_v2":     rebuildTensor,
		"torch._utils _rebuild_parameter":     rebuildParameter,
		"torch._utils _rebuild_sparse_tensor": rebuildSparse,
		"torch.serialization _get_layout":     oneString,
		"torch Size":                          rebuildSize,
		"torch device":                        rebuildDevice,
		"collections OrderedDict":             rebuildOrderedDict,
		"_codecs encode":                      rebuildBytes,
		"__builtin__ bytes":                   rebuildBytes,
		"builtins bytes":                      rebuildBytes,
		"__builtin__ set":                     rebuildSet,
		"builtins set":                        rebuildSet,
		"__builtin__ frozenset":               rebuildSet,
		"builtins frozenset":                  rebuildSet,
	}
}

func torchGlobal(name string) (any, error) {
	if dt, ok := torchDTypes[name]; ok {
		return dt, nil
	}
	g := pyGlobal(name)
	if _, ok := torchStorageTypes[g]; ok {
		return g, nil
	}
	if _, ok := torchFuncs[g]; ok {
		return g, nil
	}
	return nil, fmt.Errorf("the file needs the Python object %q, which is not among the tensors and plain containers that a checkpoint may hold", name)
}

func torchCall(fn any, args []any) (any, error) {
	g, ok := fn.(pyGlobal)
	f := torchFuncs[g]
	if !ok || f == nil {
		return nil, fmt.Errorf("a %T cannot be called", fn)
	}
	v, err := f(args)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", g, err)
	}
	return v, nil
}

var errArgs = errors.New("unexpected arguments")

// storage is a run of elements in the entry data/<key>.
type storage struct {
	key   string
	dtype tensor.DType
	len   int // in elements
}

// torchStorage resolves a persistent id,
// ('storage', class, key, device, number of elements).
func torchStorage(id any) (any, error) {
	t, ok := id.(*pyTuple)
	if !ok || len(t.items) != 5 || t.items[0] != "storage" {
		return nil, errors.New("persistent id is not that of a storage")
	}
	class, ok1 := t.items[1].(pyGlobal)
	key, ok2 := t.items[2].(string)
	n, ok3 := t.items[4].(int64)
	dt, ok4 := torchStorageTypes[class]
	if !ok1 || !ok2 || !ok3 || !ok4 || n < 0 {
		return nil, errors.New("malformed id of a storage")
	}
	return &storage{key, dt, int(n)}, nil
}

func rebuildTensor(args []any) (any, error) {
	if len(args) < 6 {
		return nil, errArgs
	}
	st, ok1 := args[0].(*storage)
	offset, ok2 := args[1].(int64)
	shape, ok3 := intTuple(args[2])
	stride, ok4 := intTuple(args[3])
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return nil, errArgs
	}
	return &denseTensor{storage: st, offset: int(offset), shape: shape, stride: stride}, nil
}

func rebuildParameter(args []any) (any, error) {
	if len(args) != 3 {
		return nil, errArgs
	}
	t, ok := args[0].(torchTensor)
	if !ok {
		return nil, errArgs
	}
	return t, nil
}

func rebuildSparse(args []any) (any, error) {
	if len(args) != 2 {
		return nil, errArgs
	}
	if args[0] != "torch.sparse_coo" {
		return nil, fmt.Errorf("layout %v is not supported, only torch.sparse_coo", args[0])
	}
	data, ok := args[1].(*pyTuple)
	if !ok || len(data.items) < 3 {
		return nil, errArgs
	}
	indices, ok1 := data.items[0].(*denseTensor)
	values, ok2 := data.items[1].(*denseTensor)
	shape, ok3 := intTuple(data.items[2])
	if !ok1 || !ok2 || !ok3 {
		return nil, errArgs
	}
	return &sparseTensor{indices, values, shape}, nil
}

func oneString(args []any) (any, error) {
	if len(args) == 1 {
		if s, ok := args[0].(string); ok {
			return s, nil
		}
	}
	return nil, errArgs
}

func rebuildSize(args []any) (any, error) {
	if len(args) != 1 {
		return nil, errArgs
	}
	if _, ok := intTuple(args[0]); !ok {
		return nil, errArgs
	}
	return args[0], nil
}

func rebuildDevice(args []any) (any, error) {
	if len(args) == 2 {
		kind, ok1 := args[0].(string)
		index, ok2 := args[1].(int64)
		if ok1 && ok2 {
			return fmt.Sprintf("%s:%d", kind, index), nil
		}
	}
	return oneString(args)
}

func rebuildOrderedDict(args []any) (any, error) {
	if len(args) != 0 {
		return nil, errArgs
	}
	return &pyDict{ordered: true}, nil
}

// rebuildBytes undoes protocol 2's spelling of bytes: an empty bytes() or
// _codecs.encode(text, 'latin1').
func rebuildBytes(args []any) (any, error) {
	if len(args) == 0 {
		return []byte{}, nil
	}
	text, ok := args[0].(string)
	if !ok || len(args) != 2 || args[1] != "latin1" {
		return nil, errArgs
	}
	out := make([]byte, 0, len(text))
	for _, r := range text {
		if r > 0xff {
			return nil, errArgs
		}
		out = append(out, byte(r))
	}
	return out, nil
}

func rebuildSet(args []any) (any, error) {
	if len(args) == 0 {
		return &pySet{}, nil
	}
	list, ok := args[0].(*pyList)
	if !ok || len(args) != 1 {
		return nil, errArgs
	}
	return &pySet{slices.Clone(list.items)}, nil
}

// intTuple converts a tuple of sizes or strides.
func intTuple(v any) ([]int, bool) {
	t, ok := v.(*pyTuple)
	if !ok || len(t.items) > maxRank {
		return nil, false
	}
	out := make([]int, len(t.items))
	for i, item := range t.items {
		n, ok := item.(int64)
		if !ok || int64(int(n)) != n {
			return nil, false
		}
		out[i] = int(n)
	}
	return out, true
}
