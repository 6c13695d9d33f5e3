package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"llana/models/checkpoint"
	"llana/models/checkpoint/atomicfile"
	"llana/models/hub"
	"llana/models/spatialllana"
	"llana/models/weights2space"
	"llana/tensor"
)

func convertCommand(a *app) *cobra.Command {
	var in, out, weights string
	cmd := &cobra.Command{
		Use:   "convert --in A --out B [--weights TYPE]",
		Short: "Convert checkpoints between formats and storage types",
		Long: `Convert a model folder, or a file of tensors. A folder becomes one with
safetensors, its other files beside them; --weights rounds the decoder's matrices
to 16-bit numbers or to integers in blocks, of which the program reads all. A file
(weights2space or any other state dict) becomes what the name of --out says:
.safetensors, or .pt, .pth or .bin for PyTorch's format. Either goes through the
data once, a few megabytes at a time.`,
		Example: `  llana convert --in infer/toymodel/data/spatial --out /tmp/spatial-int8 --weights int8
  llana convert --in infer/toymodel/data/spatial/weights2space.safetensors --out /tmp/weights2space.pt`,
		Args: cobra.NoArgs,
	}
	cmd.RunE = a.do(func(ctx context.Context, _ []string) error {
		w, err := spatialllana.ParseWeights(weights)
		if err != nil {
			return usageError{fmt.Errorf("--%w", err)}
		}
		if in, err = a.locate(ctx, in, hub.Model); err != nil {
			return err
		}
		st, err := os.Stat(in)
		if err != nil {
			return err
		}
		if st.IsDir() {
			return a.convertFolder(ctx, in, out, w)
		}
		return a.convertFile(ctx, in, out, w)
	})
	f := cmd.Flags()
	f.StringVar(&in, "in", "", modelHelp+"; or a file of tensors")
	f.StringVar(&out, "out", "", "folder or file to write")
	f.StringVar(&weights, "weights", "auto", weightsHelp)
	_ = cmd.MarkFlagRequired("in")
	_ = cmd.MarkFlagRequired("out")
	return cmd
}

func (a *app) convertFolder(ctx context.Context, in, out string, w spatialllana.Weights) error {
	bar := a.console().Bar("converting", 1)
	defer bar.Close()
	err := spatialllana.Convert(ctx, in, out, w, func(name string, i, n int) {
		bar.Total(n)
		bar.Describe("%s", name)
		bar.Set(i)
	})
	if err != nil {
		return err
	}
	bar.Close()
	return a.printConverted(out)
}

// convertFile converts one file. The integer types are for model folders: which
// tensors of another file may be rounded that far is not known.
func (a *app) convertFile(ctx context.Context, in, out string, w spatialllana.Weights) error {
	if w.DType == tensor.Q8 || w.DType == tensor.Q4 {
		return usagef("--weights %v is for model folders", w.DType)
	}
	ext := strings.ToLower(filepath.Ext(out))
	if ext != ".safetensors" && ext != ".pt" && ext != ".pth" && ext != ".bin" {
		return usagef("--out %s: want a name that ends in .safetensors, .pt, .pth or .bin", out)
	}
	src, err := weights2space.OpenTensors(in)
	if err != nil {
		return err
	}
	defer src.Close()
	src = checkpoint.Converted(src, func(checkpoint.Info) tensor.DType {
		switch {
		case w.AsStored:
			return tensor.Invalid
		case w.DType == tensor.Invalid:
			return tensor.F32
		}
		return w.DType
	}, func(string) error { return ctx.Err() })
	if err := makeFolders(out); err != nil {
		return err
	}
	if ext == ".safetensors" {
		err = checkpoint.CopySafetensors(out, src, map[string]string{"format": "pt"})
	} else {
		err = writeTorch(ctx, out, src)
	}
	if err != nil {
		return err
	}
	if err := copySidecar(in, out); err != nil {
		return err
	}
	return a.printConverted(out)
}

// copySidecar takes along what the tensors of a weights2space checkpoint do not
// tell, unless there is such a file already.
func copySidecar(in, out string) error {
	to := filepath.Join(filepath.Dir(out), weights2space.SidecarName)
	b, err := os.ReadFile(filepath.Join(filepath.Dir(in), weights2space.SidecarName))
	if err != nil || isFile(to) {
		return nil // there is none, or it is the same
	}
	return atomicfile.WriteBytes(to, b)
}

// writeTorch writes all tensors as a state dict; PyTorch's format needs them
// together.
func writeTorch(ctx context.Context, out string, src checkpoint.Source) error {
	var ts []*checkpoint.Tensor
	for _, n := range src.Names() {
		if err := ctx.Err(); err != nil {
			return err
		}
		t, err := src.Tensor(n)
		if err != nil {
			return err
		}
		ts = append(ts, t)
	}
	return checkpoint.WriteTorch(out, checkpoint.StateDict(ts...))
}

// printConverted says what was written.
func (a *app) printConverted(out string) error {
	src, err := checkpoint.Open(out)
	if err != nil {
		return err
	}
	defer src.Close()
	var bytes int64
	types := map[string]int{}
	for _, n := range src.Names() {
		info, err := src.Info(n)
		if err != nil {
			return err
		}
		bytes += info.Bytes()
		types[info.DType.String()]++
	}
	if a.json {
		return a.writeJSON(map[string]any{"out": out, "tensors": types, "bytes": bytes})
	}
	_, err = fmt.Fprintf(a.out, "%s: %d tensors, %s\n", out, len(src.Names()), size(bytes))
	return err
}
