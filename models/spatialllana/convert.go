package spatialllana

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"llana/models/checkpoint"
	"llana/models/checkpoint/atomicfile"
	"llana/models/llama"
	"llana/tensor"
)

// Convert writes the model folder in as the folder out: weights as safetensors,
// the decoder's matrices stored as w says, and everything else beside them as it
// is. Weights that out had are replaced, its other files stay where in has none of
// their name. It goes through the files once and holds a few megabytes of them.
// progress, which may be nil, is called with each tensor's name before it is
// written, and how many there are.
//
// The 16-bit types and float32 are for all tensors; the integer types for the
// matrices of the decoder, whose rows must be whole blocks.
func Convert(ctx context.Context, in, out string, w Weights, progress func(name string, i, n int)) error {
	same, err := sameFile(in, out)
	if err != nil {
		return err
	}
	if same {
		return fmt.Errorf("%s: a model cannot be converted into its own folder", in)
	}
	c, err := ReadConfig(in)
	if err != nil {
		return err
	}
	src, err := checkpoint.Open(in)
	if err != nil {
		return err
	}
	defer src.Close()
	n, i := len(src.Names()), 0
	converted := checkpoint.Converted(src, w.typeOf, func(name string) error {
		if progress != nil {
			progress(name, i, n)
		}
		i++
		return ctx.Err()
	})
	if err := checkpoint.WriteModel(out, converted, maxShard); err != nil {
		return err
	}
	return copyRest(in, out, w, c)
}

// typeOf returns the type a tensor is converted to.
func (w Weights) typeOf(info checkpoint.Info) tensor.DType {
	switch {
	case w.AsStored:
		return tensor.Invalid
	case w.DType == tensor.Invalid:
		return tensor.F32
	case w.DType == tensor.F16 || w.DType == tensor.BF16:
		return w.DType
	}
	d := llama.Storage(w.DType)(info.Name)
	if !llama.IsMatrix(info.Name) || len(info.Shape) != 2 || !tensor.CanPack(d, info.Shape) {
		return tensor.Invalid
	}
	return d
}

// copyRest copies the files that are not weights, and writes config.json with
// the new type.
func copyRest(in, out string, w Weights, c Config) error {
	entries, err := os.ReadDir(in)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if isWeights(e.Name()) || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		from := filepath.Join(in, e.Name())
		info, err := os.Stat(from) // of what a link leads to
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			continue
		}
		if err := copyFile(from, filepath.Join(out, e.Name())); err != nil {
			return err
		}
	}
	names := map[tensor.DType]string{tensor.Invalid: "float32", tensor.F16: "float16", tensor.BF16: "bfloat16"}
	name, ok := names[w.DType]
	if w.AsStored || !ok {
		return nil
	}
	file := map[string]json.RawMessage{}
	for k, v := range c.file {
		file[k] = v
	}
	file["torch_dtype"] = json.RawMessage(`"` + name + `"`)
	text, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(filepath.Join(out, ConfigName), append(text, '\n'))
}

// isWeights reports whether a file of a model folder holds the language model's
// weights or is their index.
func isWeights(name string) bool {
	for _, pattern := range []string{"model.safetensors*", "model-*.safetensors", "pytorch_model*.bin*"} {
		if ok, _ := filepath.Match(pattern, name); ok {
			return true
		}
	}
	return false
}

func copyFile(from, to string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	return atomicfile.Write(to, func(w io.Writer) error {
		_, err := io.Copy(w, f)
		return err
	})
}

func sameFile(a, b string) (bool, error) {
	sa, err := os.Stat(a)
	if err != nil {
		return false, err
	}
	sb, err := os.Stat(b)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(sa, sb), err
}
