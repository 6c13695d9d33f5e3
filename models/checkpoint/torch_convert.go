package checkpoint

import (
	"bytes"
	"fmt"

	"llana/tensor"
)

// convert turns what the unpickler built into Values. leaf makes the value of
// a tensor from its path. An object that stands in several places is converted
// as often, which the limit on nodes keeps from growing out of hand.
func convert(root any, leaf func(path string, t torchTensor) (Value, error)) (Value, error) {
	c := converter{leaf: leaf, left: maxOpcodes}
	return c.value(root, "", 0)
}

type converter struct {
	leaf func(string, torchTensor) (Value, error)
	left int
}

func (c *converter) value(obj any, path string, depth int) (Value, error) {
	if depth > maxDepth {
		return nil, errTooDeep
	}
	switch o := obj.(type) {
	case nil, bool, int64, float64, string, tensor.DType:
		return o, nil
	case []byte:
		return bytes.Clone(o), nil
	case torchTensor:
		return c.leaf(path, o)
	case *pyDict:
		return c.dict(o, path, depth)
	case *pyList:
		items, err := c.items(o.items, path, depth)
		return List(items), err
	case *pyTuple:
		items, err := c.items(o.items, path, depth)
		return Tuple(items), err
	case *pySet:
		items, err := c.items(o.items, path, depth)
		return Set(items), err
	}
	return nil, fmt.Errorf("%q: a %T cannot stand on its own in a checkpoint", path, obj)
}

// charge counts n objects towards the limit.
func (c *converter) charge(n int) error {
	if c.left -= n; c.left < 0 {
		return fmt.Errorf("more than %d objects", maxOpcodes)
	}
	return nil
}

func (c *converter) items(objs []any, path string, depth int) ([]Value, error) {
	if err := c.charge(len(objs)); err != nil {
		return nil, err
	}
	out := make([]Value, 0, len(objs))
	for i, o := range objs {
		v, err := c.value(o, joinPath(path, int64(i)), depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func (c *converter) dict(o *pyDict, path string, depth int) (Value, error) {
	if err := c.charge(len(o.keys)); err != nil {
		return nil, err
	}
	d := &Dict{Ordered: o.ordered}
	for i, k := range o.keys {
		key, ok := dictKey(k)
		if !ok {
			return nil, fmt.Errorf("%q: a dict key is %s, only strings, ints and bools are supported", path, typeName(k))
		}
		v, err := c.value(o.values[i], joinPath(path, key), depth+1)
		if err != nil {
			return nil, err
		}
		d.Set(key, v)
	}
	return d, nil
}
