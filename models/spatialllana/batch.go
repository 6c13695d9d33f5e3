package spatialllana

import (
	"fmt"
	"path/filepath"

	"llana/models/checkpoint"
)

// Batch is a batch of sequences.
type Batch struct {
	Rows, Cols int
	IDs        []int32   // (Rows, Cols), filled up on the right
	Objects    []*Object // of each row, nil for text only; or none at all
}

// Object is the tokens of an object, as the projector reads them. They may be
// shared between batches.
type Object struct {
	Tokens, Width int
	Data          []float32 // (Tokens, Width)
}

// ReadObject reads an object's tokens from a .npy file of shape (tokens, width)
// or (width), and takes their mean if the model wants that.
func (p Projector) ReadObject(path string) (*Object, error) {
	o, err := ReadObjectFile(path)
	if err != nil {
		return nil, err
	}
	if o, err = p.fit(o); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return o, nil
}

// Object is ReadObject for an array at hand.
func (p Projector) Object(x *checkpoint.Tensor) (*Object, error) {
	o, err := NewObject(x)
	if err != nil {
		return nil, err
	}
	return p.fit(o)
}

// fit returns an object as the projector reads it.
func (p Projector) fit(o *Object) (*Object, error) {
	if o.Width != p.Width {
		return nil, fmt.Errorf("%d object tokens of width %d, want width %d", o.Tokens, o.Width, p.Width)
	}
	if p.Pool == PoolMean {
		return o.Mean(), nil
	}
	if p.Tokens != 0 && o.Tokens != p.Tokens {
		return nil, fmt.Errorf("%d object tokens, want %d object tokens", o.Tokens, p.Tokens)
	}
	return o, nil
}

// ReadObjectFile reads an object's tokens of any width and number.
func ReadObjectFile(path string) (*Object, error) {
	x, err := checkpoint.ReadNPY(path)
	if err != nil {
		return nil, err
	}
	o, err := NewObject(x)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return o, nil
}

// NewObject makes an Object of an array (tokens, width) or (width).
func NewObject(x *checkpoint.Tensor) (*Object, error) {
	shape := x.Shape
	if len(shape) == 1 {
		shape = []int{1, shape[0]}
	}
	if len(shape) != 2 || shape[0] < 1 || shape[1] < 1 {
		return nil, fmt.Errorf("array of shape %v, want object tokens (tokens, width)", x.Shape)
	}
	v, err := x.Float32s()
	if err != nil {
		return nil, err
	}
	return &Object{shape[0], shape[1], v}, nil
}

// Mean returns one token, the mean of the object's.
func (o *Object) Mean() *Object { return &Object{1, o.Width, meanRow(o.Data, o.Width)} }

// ObjectPath returns where a folder of tokens holds those of an object. An id
// that would lead out of the folder is an error.
func ObjectPath(dir, id string) (string, error) {
	name := filepath.FromSlash(id) + ".npy"
	if !filepath.IsLocal(name) {
		return "", fmt.Errorf("object id %q is not a file name", id)
	}
	return filepath.Join(dir, name), nil
}
