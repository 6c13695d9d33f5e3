package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"llana/infer"
	"llana/kernels"
	"llana/models/checkpoint"
	"llana/models/hub"
	"llana/models/spatialllana"
)

func logitsCommand(a *app) *cobra.Command {
	var model, ids, vec, out string
	var stored storageFlags
	cmd := &cobra.Command{
		Use:   "logits --model MODEL --ids IDS.json [--vec V.npy] --out L.npy",
		Short: "Logits of a sequence of token ids",
		Long: `Logits (T, vocabulary) for a JSON array of T token ids: for checking numbers
against another implementation. llana tokenize makes such an array of a text.`,
		Example: "  llana logits --model infer/toymodel/data/spatial --ids ids.json --out logits.npy",
		Args:    cobra.NoArgs,
		RunE:    a.do(func(ctx context.Context, _ []string) error { return a.logits(ctx, stored, model, ids, vec, out) }),
	}
	f := cmd.Flags()
	f.StringVar(&model, "model", "", modelHelp)
	f.StringVar(&ids, "ids", "", "JSON array of token ids")
	f.StringVar(&vec, "vec", "", "spatial tokens (.npy), where the ids have <point_start> … <point_end>")
	f.StringVar(&out, "out", "", "where the logits go (.npy)")
	stored.register(cmd)
	for _, name := range []string{"model", "ids", "out"} {
		_ = cmd.MarkFlagRequired(name)
	}
	return cmd
}

func (a *app) logits(ctx context.Context, stored storageFlags, model, idsPath, vec, out string) error {
	if err := stored.check(); err != nil {
		return err
	}
	if err := checkFiles(idsPath, vec); err != nil {
		return err
	}
	model, err := a.locate(ctx, model, hub.Model)
	if err != nil {
		return err
	}
	c, err := spatialllana.ReadConfig(model)
	if err != nil {
		return err
	}
	ids, err := readIDs(idsPath, c.VocabSize)
	if err != nil {
		return err
	}
	if err := makeFolders(out); err != nil {
		return err
	}
	o := infer.Options{Context: len(ids)}
	if o.CacheType, err = stored.cacheType(); err != nil {
		return err
	}
	return a.withDevice(func(d kernels.Device) error {
		m, err := a.open(d, stored, model, o)
		if err != nil {
			return err
		}
		defer m.Free()
		var object *spatialllana.Object
		if vec != "" {
			if m.Projector == nil {
				return fmt.Errorf("%s: a language model without a projector: it cannot read %s", model, vec)
			}
			if object, err = m.Projector.ReadObject(vec); err != nil {
				return err
			}
		}
		o, done := a.reading(o)
		v, err := infer.Logits(ctx, m, ids, object, o)
		done()
		if err != nil {
			return fmt.Errorf("%s: %w", idsPath, err)
		}
		shape := []int{len(ids), len(v) / len(ids)}
		if err := checkpoint.WriteNPY(out, shape, v); err != nil {
			return err
		}
		if a.json {
			return a.writeJSON(map[string]any{"out": out, "shape": shape})
		}
		_, err = fmt.Fprintf(a.out, "%s: %d tokens, vocabulary of %d\n", out, shape[0], shape[1])
		return err
	})
}

// readIDs reads a JSON array of token ids below vocab.
func readIDs(path string, vocab int) ([]int32, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var ids []int32
	if err := json.Unmarshal(b, &ids); err != nil {
		return nil, fmt.Errorf("%s: want a JSON array of token ids: %w", path, err)
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("%s: no token ids", path)
	}
	for i, id := range ids {
		if id < 0 || int(id) >= vocab {
			return nil, fmt.Errorf("%s: id %d at %d, want 0 to %d", path, id, i, vocab-1)
		}
	}
	return ids, nil
}
