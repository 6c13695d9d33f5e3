package kernels

import "fmt"

// ShapeError is the panic of a call whose operands do not fit: a mistake of
// the program, not of its input.
type ShapeError struct {
	Op     string
	Shapes [][]int
	Reason string
}

func (e *ShapeError) Error() string {
	return fmt.Sprintf("kernels: %s: %s (operands %v)", e.Op, e.Reason, e.Shapes)
}

// Check panics with a ShapeError unless ok.
func Check(ok bool, op string, shapes [][]int, format string, args ...any) {
	if !ok {
		panic(&ShapeError{Op: op, Shapes: shapes, Reason: fmt.Sprintf(format, args...)})
	}
}
