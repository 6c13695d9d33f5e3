package eval

import (
	"fmt"
	"strings"

	"llana/models/checkpoint"
	"llana/tensor"
)

// Shape is what the files of object tokens must hold. Zeros stand for any
// number.
type Shape struct{ Tokens, Width int }

// PublishedShape is that of the published weights2space.
var PublishedShape = Shape{3072, 516}

func (s Shape) String() string {
	dim := func(n int) string {
		if n == 0 {
			return "any"
		}
		return fmt.Sprint(n)
	}
	return "(" + dim(s.Tokens) + ", " + dim(s.Width) + ")"
}

// globalWidth is that of the vectors of LLaNA, one for an object, which are
// published beside the texts.
const globalWidth = 1024

// Check says what is wrong with a file of object tokens, if anything.
func (s Shape) Check(x checkpoint.Info) error {
	if x.DType != tensor.F32 && x.DType != tensor.F16 {
		return fmt.Errorf("elements of type %v, want float32 or float16", x.DType)
	}
	shape := x.Shape
	if len(shape) == 1 { // one token, as the loader reads it
		shape = []int{1, shape[0]}
	}
	fits := func(n, want int) bool { return n > 0 && (want == 0 || n == want) }
	if len(shape) == 2 && fits(shape[0], s.Tokens) && fits(shape[1], s.Width) {
		return nil
	}
	what := "an array"
	switch {
	case len(shape) == 2 && shape[0] == 1 && shape[1] == globalWidth:
		what = "one global vector of LLaNA, not spatial tokens: an array"
	case len(shape) > 2:
		what = "planes or batches, not rows of tokens: an array"
	case len(shape) == 2 && fits(shape[1], s.Tokens) && fits(shape[0], s.Width):
		what = "tokens along the second axis: an array"
	}
	return fmt.Errorf("%s of shape %s, want %v", what, python(x.Shape), s)
}

// python writes a shape as NumPy does.
func python(shape []int) string {
	var dims []string
	for _, d := range shape {
		dims = append(dims, fmt.Sprint(d))
	}
	if len(dims) == 1 {
		return "(" + dims[0] + ",)"
	}
	return "(" + strings.Join(dims, ", ") + ")"
}
