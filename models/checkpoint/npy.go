package checkpoint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"llana/models/checkpoint/atomicfile"
	"llana/tensor"
)

const (
	npyMagic     = "\x93NUMPY"
	maxNPYHeader = 1 << 20
)

// npyTypes are the element types of .npy files by their descr. NumPy has no
// bfloat16.
var npyTypes = map[string]tensor.DType{
	"<f4": tensor.F32, "<f8": tensor.F64, "<f2": tensor.F16,
	"<i4": tensor.I32, "<i8": tensor.I64, "|u1": tensor.U8, "|b1": tensor.Bool,
}

// ReadNPY reads a NumPy array file, format versions 1 to 3. Arrays in Fortran
// order are put into C order. The tensor's name is the path.
func ReadNPY(path string) (*Tensor, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return ReadNPYFrom(path, f, st.Size())
}

// NPYInfo describes a NumPy array file without reading its elements. A file
// that is shorter or longer than its header says is an error, as in ReadNPY.
func NPYInfo(path string) (Info, error) {
	f, err := os.Open(path)
	if err != nil {
		return Info{}, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return Info{}, err
	}
	h, err := openNPY(path, f, st.Size())
	return Info{Name: path, DType: h.dtype, Shape: h.shape}, err
}

// openNPY reads the header of a file of the given size and compares the two.
func openNPY(name string, r io.Reader, size int64) (npyHeader, error) {
	h, err := readNPYHeader(r)
	if err != nil {
		return h, fmt.Errorf("%s: npy: %w", name, err)
	}
	bytes, ok := byteSize(h.shape, h.dtype.Size())
	if left := size - h.bytes; !ok || bytes != left {
		return h, fmt.Errorf("%s: npy: %v %v does not fill the %d bytes after the header", name, h.dtype, h.shape, left)
	}
	return h, nil
}

// ReadNPYFrom is ReadNPY for a file of the given size that is already at hand.
func ReadNPYFrom(name string, r io.Reader, size int64) (*Tensor, error) {
	h, err := openNPY(name, r, size)
	if err != nil {
		return nil, err
	}
	t := &Tensor{Name: name, DType: h.dtype, Shape: h.shape, Data: make([]byte, size-h.bytes)}
	if _, err := io.ReadFull(r, t.Data); err != nil {
		return nil, fmt.Errorf("%s: npy: %w", name, err)
	}
	if h.fortran {
		t.Data = gather(t.Data, h.shape, fortranStrides(h.shape), h.dtype.Size())
	}
	return t, nil
}

func fortranStrides(shape []int) []int {
	stride := make([]int, len(shape))
	n := 1
	for i, d := range shape {
		stride[i] = n
		n *= d
	}
	return stride
}

// WriteNPY writes a float32 array in C order. The data must fill the shape.
func WriteNPY(path string, shape []int, data []float32) error {
	return WriteNPYTensor(path, FromFloat32(path, shape, data))
}

// WriteNPYTensor writes a tensor of any type but bfloat16, which NumPy lacks.
func WriteNPYTensor(path string, t *Tensor) error {
	if err := t.check(); err != nil {
		return err
	}
	header, err := npyHeaderText(t)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		if _, err := w.Write(header); err != nil {
			return err
		}
		_, err := w.Write(t.Data)
		return err
	})
}

func npyHeaderText(t *Tensor) ([]byte, error) {
	for descr, dt := range npyTypes {
		if dt != t.DType {
			continue
		}
		var dims strings.Builder
		for _, d := range t.Shape {
			fmt.Fprintf(&dims, "%d, ", d)
		}
		shape := strings.TrimSuffix(dims.String(), " ") // "(3,)" but "(3, 4,)", as Python takes it
		text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, shape)
		// The data begin at a multiple of 64 bytes; the header ends in a newline.
		pad := 63 - (len(npyMagic)+4+len(text))%64
		text += strings.Repeat(" ", pad) + "\n"
		if len(text) > 0xffff {
			return nil, fmt.Errorf("shape %v has too many dimensions for a .npy file", t.Shape)
		}
		out := append([]byte(npyMagic), 1, 0)
		out = binary.LittleEndian.AppendUint16(out, uint16(len(text)))
		return append(out, text...), nil
	}
	return nil, fmt.Errorf("a .npy file cannot hold %v", t.DType)
}

type npyHeader struct {
	dtype   tensor.DType
	fortran bool
	shape   []int
	bytes   int64 // size of the header with everything before the data
}

func readNPYHeader(r io.Reader) (npyHeader, error) {
	var head [12]byte
	if _, err := io.ReadFull(r, head[:10]); err != nil || string(head[:6]) != npyMagic {
		return npyHeader{}, errors.New("this is not a NumPy array file")
	}
	n, before := int64(binary.LittleEndian.Uint16(head[8:])), int64(10)
	switch head[6] {
	case 1:
	case 2, 3:
		if _, err := io.ReadFull(r, head[10:12]); err != nil {
			return npyHeader{}, err
		}
		n, before = int64(binary.LittleEndian.Uint32(head[8:])), 12
	default:
		return npyHeader{}, fmt.Errorf("format version %d is not supported", head[6])
	}
	if n > maxNPYHeader {
		return npyHeader{}, fmt.Errorf("header of %d bytes, at most %d are allowed", n, maxNPYHeader)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return npyHeader{}, fmt.Errorf("header of %d bytes: %w", n, err)
	}
	h, err := parseNPYHeader(string(text))
	if err != nil {
		return npyHeader{}, fmt.Errorf("header %.200q: %w", text, err)
	}
	h.bytes = before + n
	return h, nil
}

// parseNPYHeader reads the Python dict literal of the header, which has the
// keys descr, fortran_order and shape and no others.
func parseNPYHeader(text string) (npyHeader, error) {
	var h npyHeader
	text = strings.TrimSpace(text)
	body, ok1 := strings.CutPrefix(text, "{")
	body, ok2 := strings.CutSuffix(body, "}")
	if !ok1 || !ok2 {
		return h, errors.New("expected a dict")
	}
	var seen []string
	for body = strings.TrimSpace(body); body != ""; {
		key, value, rest, err := npyField(body)
		if err != nil {
			return h, err
		}
		if slices.Contains(seen, key) {
			return h, fmt.Errorf("%q occurs twice", key)
		}
		seen = append(seen, key)
		if err := h.set(key, value); err != nil {
			return h, err
		}
		body = rest
	}
	if len(seen) != 3 {
		return h, fmt.Errorf("expected descr, fortran_order and shape, found %q", seen)
	}
	return h, nil
}

// npyField splits "'key': value, rest". A value in parentheses extends to the
// closing one.
func npyField(s string) (key, value, rest string, err error) {
	key, s, ok := strings.Cut(s, ":")
	if !ok {
		return "", "", "", errors.New("expected key: value")
	}
	s = strings.TrimSpace(s)
	end := 0
	if strings.HasPrefix(s, "(") || strings.HasPrefix(s, "[") {
		end = strings.IndexAny(s, ")]") + 1
		if end == 0 {
			return "", "", "", errors.New("expected a closing bracket")
		}
	}
	value, tail := s[:end], s[end:]
	before, rest, _ := strings.Cut(tail, ",")
	value = strings.TrimSpace(value + before)
	return strings.Trim(strings.TrimSpace(key), `'"`), value, strings.TrimSpace(rest), nil
}

func (h *npyHeader) set(key, value string) error {
	switch key {
	case "descr":
		dt, ok := npyTypes[strings.Trim(value, `'"`)]
		if !ok {
			return fmt.Errorf("element type %s is not supported, only float16/32/64, int32/64, uint8 and bool in little endian", value)
		}
		h.dtype = dt
	case "fortran_order":
		if value != "True" && value != "False" {
			return fmt.Errorf("fortran_order is %s", value)
		}
		h.fortran = value == "True"
	case "shape":
		inner, ok1 := strings.CutPrefix(value, "(")
		inner, ok2 := strings.CutSuffix(inner, ")")
		if !ok1 || !ok2 {
			return fmt.Errorf("shape is %s", value)
		}
		h.shape = []int{}
		for dim := range strings.SplitSeq(strings.TrimSuffix(strings.TrimSpace(inner), ","), ",") {
			if inner == "" {
				break
			}
			n, err := strconv.Atoi(strings.TrimSpace(dim))
			if err != nil || n < 0 || len(h.shape) == maxRank {
				return fmt.Errorf("shape is %s", value)
			}
			h.shape = append(h.shape, n)
		}
	default:
		return fmt.Errorf("unexpected key %q", key)
	}
	return nil
}
