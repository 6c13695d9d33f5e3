package main

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"llana/infer"
	"llana/kernels"
	"llana/models/spatialllana"
	"llana/tensor"
)

// storageFlags say how a model's weights are kept, and where.
type storageFlags struct{ weights, memory, cache string }

const (
	weightsHelp   = "how matrices are stored: auto (as in the files), f32, bf16, f16, int8 or int4"
	cacheHelp     = "how keys and values are stored: f32, bf16 or f16"
	gpuMemoryHelp = "device memory to use, for example 8GiB: layers that do not fit stay in the process' memory (default: what the GPU has)"
)

func (f *storageFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.weights, "weights", "auto", weightsHelp)
	cmd.Flags().StringVar(&f.cache, "cache", "f32", cacheHelp)
	cmd.Flags().StringVar(&f.memory, "gpu-memory", "", gpuMemoryHelp)
}

// check says which value is wrong, if any: before anything is downloaded or
// computed.
func (f storageFlags) check() error {
	if _, err := spatialllana.ParseWeights(f.weights); err != nil {
		return usageError{fmt.Errorf("--%w", err)}
	}
	if f.memory == "" {
		return nil
	}
	_, err := parseGPUMemory(f.memory)
	return err
}

// open opens a model folder on d, to answer with the given options.
func (a *app) open(d kernels.Device, f storageFlags, dir string, how infer.Options) (*spatialllana.Model, error) {
	w, err := spatialllana.ParseWeights(f.weights)
	if err != nil {
		return nil, usageError{fmt.Errorf("--%w", err)}
	}
	o := spatialllana.OpenOptions{Weights: w}
	budget := int64(0)
	if f.memory != "" {
		budget, err = parseGPUMemory(f.memory)
	} else if d.Info().Backend == "vulkan" {
		budget = a.deviceMemory()
	}
	if err != nil {
		return nil, err
	}
	if budget > 0 {
		p, err := spatialllana.PlanFolder(dir, w, spatialllana.PlanOptions{Context: how.Context, Chunk: cmp.Or(how.Chunk, infer.DefaultChunk), CacheType: how.CacheType, Budget: budget})
		if err != nil {
			return nil, err
		}
		if p.DeviceBytes() > budget {
			return nil, fmt.Errorf("%s: needs %s of device memory for its context (--context), even with all layers in the process' memory, and there is %s", dir, size(p.DeviceBytes()), size(budget))
		}
		if o.HostLayers = p.Layers - p.Resident; o.HostLayers > 0 {
			a.console().Logf("%d of %d layers stay in the process' memory, %s, and are copied to the device when they are used", o.HostLayers, p.Layers, size(p.HostBytes()))
		}
	}
	return spatialllana.Open(d, dir, o)
}

// cacheType returns how keys and values are stored.
func (f storageFlags) cacheType() (tensor.DType, error) {
	d, ok := map[string]tensor.DType{"f32": tensor.F32, "bf16": tensor.BF16, "f16": tensor.F16}[f.cache]
	if !ok {
		return 0, usagef("--cache %q: want f32, bf16 or f16", f.cache)
	}
	return d, nil
}

func parseGPUMemory(s string) (int64, error) {
	n, err := parseBytes(s)
	if err != nil {
		return 0, usageError{fmt.Errorf("--gpu-memory: %w", err)}
	}
	return n, nil
}

// byteUnits are tried in this order: longer names first.
var byteUnits = []struct {
	name string
	size float64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"", 1}}

// parseBytes reads a size such as 8GiB, 500MB or 1073741824.
func parseBytes(s string) (int64, error) {
	for _, u := range byteUnits {
		number, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || !(v*u.size >= 1) || v*u.size > math.MaxInt64/2 {
			break
		}
		return int64(v * u.size), nil
	}
	return 0, fmt.Errorf("%q is not a size such as 8GiB or 500MB", s)
}
