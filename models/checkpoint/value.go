package checkpoint

import (
	"fmt"
	"strconv"

	"llana/tensor"
)

// Value is an object of a PyTorch file. It is one of
//
//	nil (None), bool, int64, float64, string, []byte,
//	*Tensor, *Dict, List, Tuple, Set, tensor.DType (torch.float32 …).
//
// torch.Size comes as a Tuple, torch.device as a string such as "cuda:0",
// parameters and sparse tensors as plain dense tensors. WriteTorch also takes
// int and Sparse.
type Value any

type (
	// List is a Python list.
	List []Value
	// Tuple is a Python tuple or torch.Size.
	Tuple []Value
	// Set is a Python set or frozenset, in file order.
	Set []Value
)

// Sparse makes WriteTorch store a tensor as a coalesced sparse COO tensor, as
// torch.Tensor.to_sparse does.
type Sparse struct{ Dense *Tensor }

// Dict is a Python dict or collections.OrderedDict; it keeps the order of
// insertion. Keys are string, int64 or bool. The zero value is an empty dict.
type Dict struct {
	Ordered bool // a collections.OrderedDict
	keys    []Value
	values  map[Value]Value
}

// NewDict makes a Dict of alternating keys and values. Keys may be string, int,
// int64 or bool; anything else panics.
func NewDict(keysAndValues ...Value) *Dict {
	d := &Dict{}
	for i := 0; i < len(keysAndValues); i += 2 {
		d.Set(keysAndValues[i], keysAndValues[i+1])
	}
	return d
}

// StateDict makes the OrderedDict that torch.nn.Module.state_dict would give:
// tensor names as keys, in the given order.
func StateDict(ts ...*Tensor) *Dict {
	d := &Dict{Ordered: true}
	for _, t := range ts {
		d.Set(t.Name, t)
	}
	return d
}

// dictKey returns the canonical form of a key, false when it is not allowed.
func dictKey(key Value) (Value, bool) {
	switch k := key.(type) {
	case string, int64, bool:
		return k, true
	case int:
		return int64(k), true
	}
	return nil, false
}

// Set adds or replaces an entry. It panics on a key that is not a string, int,
// int64 or bool.
func (d *Dict) Set(key, value Value) {
	k, ok := dictKey(key)
	if !ok {
		panic(fmt.Sprintf("checkpoint: a Dict key cannot be %s", typeName(key)))
	}
	if d.values == nil {
		d.values = map[Value]Value{}
	}
	if _, had := d.values[k]; !had {
		d.keys = append(d.keys, k)
	}
	d.values[k] = value
}

// Get returns the value of a key and whether it is there.
func (d *Dict) Get(key Value) (Value, bool) {
	k, ok := dictKey(key)
	if !ok {
		return nil, false
	}
	v, ok := d.values[k]
	return v, ok
}

// Keys returns the keys in order of insertion. The caller must not change it.
func (d *Dict) Keys() []Value { return d.keys }

// Len returns the number of entries.
func (d *Dict) Len() int { return len(d.keys) }

// Get returns the entry of d under key as a T. A missing entry and one of
// another type are errors. A Python int is accepted for a float64.
func Get[T Value](d *Dict, key Value) (T, error) {
	var zero T
	v, ok := d.Get(key)
	if !ok {
		return zero, fmt.Errorf("no entry %#v", key)
	}
	if t, ok := v.(T); ok {
		return t, nil
	}
	if n, ok := v.(int64); ok {
		if t, ok := any(float64(n)).(T); ok {
			return t, nil
		}
	}
	return zero, fmt.Errorf("entry %#v: expected %s, found %s", key, typeName(zero), typeName(v))
}

// FromValue makes a Source of the tensors in v, named as Open names those of a
// PyTorch file.
func FromValue(v Value) (Source, error) {
	var ts []*Tensor
	if err := collect(v, "", 0, &ts); err != nil {
		return nil, err
	}
	return FromTensors(ts...)
}

func collect(v Value, path string, depth int, out *[]*Tensor) error {
	if depth > maxDepth {
		return errTooDeep
	}
	each := func(vs []Value) error {
		for i, v := range vs {
			if err := collect(v, joinPath(path, int64(i)), depth+1, out); err != nil {
				return err
			}
		}
		return nil
	}
	switch v := v.(type) {
	case *Tensor:
		t := *v
		t.Name = path
		*out = append(*out, &t)
	case *Dict:
		for _, k := range v.keys {
			if err := collect(v.values[k], joinPath(path, k), depth+1, out); err != nil {
				return err
			}
		}
	case List:
		return each(v)
	case Tuple:
		return each(v)
	}
	return nil
}

// joinPath appends a key or list position to the dotted name of a container.
func joinPath(path string, key Value) string {
	var s string
	switch k := key.(type) {
	case string:
		s = k
	case int64:
		s = strconv.FormatInt(k, 10)
	case bool:
		s = strconv.FormatBool(k)
	}
	if path == "" {
		return s
	}
	return path + "." + s
}

// typeName names a value's type in Python's terms, for errors.
func typeName(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return "a bool"
	case int64, int:
		return "an int"
	case float64:
		return "a float"
	case string:
		return "a string"
	case []byte:
		return "bytes"
	case *Tensor:
		return "a tensor"
	case *Dict:
		return "a dict"
	case List:
		return "a list"
	case Tuple:
		return "a tuple"
	case Set:
		return "a set"
	case tensor.DType:
		return "a dtype"
	default:
		return fmt.Sprintf("a %T", v)
	}
}
