package checkpoint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

// Limits of the unpickler. A tensor takes some 40 opcodes and 120 bytes, so a
// checkpoint may have a hundred thousand of them.
const (
	maxPickle  = 64 << 20 // bytes of data.pkl
	maxOpcodes = 1 << 22
	maxDepth   = 100 // nesting of containers
	maxRank    = 64  // dimensions of a tensor, PyTorch's own limit
)

var errTooDeep = fmt.Errorf("containers are nested more than %d deep, or contain themselves", maxDepth)

// Objects that exist only while a pickle is read. Containers are pointers
// because opcodes fill them after they have been stored in the memo.
type (
	pyList  struct{ items []any }
	pyTuple struct{ items []any }
	pySet   struct{ items []any }
	pyDict  struct {
		ordered      bool
		keys, values []any
	}
	// pyGlobal is a name on the allow list, "module name".
	pyGlobal string
)

// unpickler runs the opcodes that the pickle protocols 2 to 5 use for plain
// data. What a global means when it is called, and what a persistent id stands
// for, is up to its two functions.
type unpickler struct {
	data  []byte
	pos   int
	stack []any
	marks []int
	memo  map[uint64]any
	err   error

	global     func(name string) (any, error)
	call       func(fn any, args []any) (any, error)
	persistent func(id any) (any, error)
}

// run executes the pickle and returns the object it builds.
func (u *unpickler) run() (any, error) {
	if len(u.data) > maxPickle {
		return nil, fmt.Errorf("pickle of %d bytes, at most %d are allowed", len(u.data), maxPickle)
	}
	u.memo = map[uint64]any{}
	for range maxOpcodes {
		at := u.pos
		op := u.bytes(1)
		if u.err != nil {
			return nil, errors.New("pickle ends without a STOP opcode")
		}
		if op[0] == opStop {
			v := u.pop()
			if u.err != nil || len(u.stack) > 0 || len(u.marks) > 0 {
				return nil, fmt.Errorf("pickle byte %d: STOP with an unbalanced stack", at)
			}
			return v, nil
		}
		u.step(op[0])
		if u.err != nil {
			return nil, fmt.Errorf("pickle byte %d: %w", at, u.err)
		}
	}
	return nil, fmt.Errorf("pickle has more than %d opcodes", maxOpcodes)
}

func (u *unpickler) fail(format string, args ...any) {
	if u.err == nil {
		u.err = fmt.Errorf(format, args...)
	}
}

// bytes takes the next n bytes of the pickle; nil after an error.
func (u *unpickler) bytes(n uint64) []byte {
	if u.err != nil || n > uint64(len(u.data)-u.pos) {
		u.fail("expected %d more bytes, found %d", n, len(u.data)-u.pos)
		return nil
	}
	b := u.data[u.pos : u.pos+int(n)]
	u.pos += int(n)
	return b
}

// uint takes an n-byte little-endian number.
func (u *unpickler) uint(n int) uint64 {
	var full [8]byte
	copy(full[:], u.bytes(uint64(n)))
	return binary.LittleEndian.Uint64(full[:])
}

func (u *unpickler) push(v any) { u.stack = append(u.stack, v) }

// pop takes the top of the stack, but nothing from below the last mark.
func (u *unpickler) pop() any {
	floor := 0
	if len(u.marks) > 0 {
		floor = u.marks[len(u.marks)-1]
	}
	if len(u.stack) <= floor {
		u.fail("stack is empty")
		return nil
	}
	v := u.stack[len(u.stack)-1]
	u.stack = u.stack[:len(u.stack)-1]
	return v
}

// popN takes the n topmost objects, in the order they were pushed.
func (u *unpickler) popN(n int) []any {
	vs := make([]any, n)
	for i := n - 1; i >= 0; i-- {
		vs[i] = u.pop()
	}
	return vs
}

// popMark takes everything above the last mark, and the mark.
func (u *unpickler) popMark() []any {
	if len(u.marks) == 0 {
		u.fail("no mark on the stack")
		return nil
	}
	from := u.marks[len(u.marks)-1]
	u.marks = u.marks[:len(u.marks)-1]
	vs := append([]any(nil), u.stack[from:]...)
	u.stack = u.stack[:from]
	return vs
}

// top returns the top of the stack without taking it.
func (u *unpickler) top() any {
	v := u.pop()
	if u.err == nil {
		u.push(v)
	}
	return v
}

func (u *unpickler) pushText(b []byte) {
	if !utf8.Valid(b) {
		u.fail("string is not valid UTF-8")
	}
	u.push(string(b))
}

// pushLong pushes a little-endian two's complement integer of n bytes.
func (u *unpickler) pushLong(n uint64) {
	b := u.bytes(n)
	if n > 8 {
		u.fail("integer of %d bytes, at most 8 are supported", n)
		return
	}
	var v int64
	for i := len(b) - 1; i >= 0; i-- {
		v = v<<8 | int64(b[i])
	}
	if n > 0 && n < 8 && len(b) > 0 && b[len(b)-1]&0x80 != 0 {
		v -= 1 << (8 * n)
	}
	u.push(v)
}

func (u *unpickler) put(key uint64) { u.memo[key] = u.top() }

func (u *unpickler) get(key uint64) {
	v, ok := u.memo[key]
	if !ok {
		u.fail("memo entry %d does not exist", key)
	}
	u.push(v)
}

// line takes the bytes up to the next newline, which the GLOBAL opcode uses.
func (u *unpickler) line() string {
	for i := u.pos; i < len(u.data); i++ {
		if u.data[i] == '\n' {
			s := string(u.data[u.pos:i])
			u.pos = i + 1
			return s
		}
	}
	u.fail("unterminated line")
	return ""
}

func (u *unpickler) pushGlobal(module, name string) {
	if u.err != nil {
		return
	}
	v, err := u.global(module + " " + name)
	if err != nil {
		u.fail("%w", err)
	}
	u.push(v)
}

// extend appends items to the list or set on top of the stack.
func (u *unpickler) extend(items []any) {
	switch c := u.top().(type) {
	case *pyList:
		c.items = append(c.items, items...)
	case *pySet:
		c.items = append(c.items, items...)
	default:
		u.fail("expected a list or set to append to")
	}
}

// setItems adds alternating keys and values to the dict on top of the stack.
func (u *unpickler) setItems(items []any) {
	d, ok := u.top().(*pyDict)
	if !ok || len(items)%2 != 0 {
		u.fail("expected a dict and pairs of key and value")
		return
	}
	for i := 0; i < len(items); i += 2 {
		d.keys = append(d.keys, items[i])
		d.values = append(d.values, items[i+1])
	}
}

func (u *unpickler) reduce() {
	args, ok := u.pop().(*pyTuple)
	fn := u.pop()
	if !ok {
		u.fail("expected a tuple of arguments")
	}
	if u.err != nil {
		return
	}
	v, err := u.call(fn, args.items)
	if err != nil {
		u.fail("%w", err)
	}
	u.push(v)
}

// build handles the state that follows an object. The only object that has one
// here is the OrderedDict of a module's state dict, whose _metadata attribute
// (layer versions) says nothing about the tensors and is dropped.
func (u *unpickler) build() {
	_, isDict := u.pop().(*pyDict)
	obj, ok := u.top().(*pyDict)
	if !ok || !obj.ordered || !isDict {
		u.fail("attributes are supported on an OrderedDict only")
	}
}

func float64FromBig(b []byte) float64 {
	if len(b) != 8 {
		return 0
	}
	return math.Float64frombits(binary.BigEndian.Uint64(b))
}
