package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"llana/infer"
	"llana/kernels/devices"
	"llana/models/hub"
	"llana/models/llama"
	"llana/models/spatialllana"
)

type planFlags struct {
	storageFlags
	model, published string
	context          int
}

func planCommand(a *app) *cobra.Command {
	var f planFlags
	cmd := &cobra.Command{
		Use:   "plan (--model MODEL | --published 7b|13b)",
		Short: "What a model takes of a device's memory, before anything is loaded",
		Long: `What a model takes of a device's memory, before anything is loaded: weights as
they would be stored, the cache of keys and values for a context, and the
intermediate results of reading a prompt. Layers that do not fit stay in the
process' memory and are copied to the device when they are used, which is slower.
Without --gpu-memory the plan is for the GPU that --device names, or for usual
sizes of GPUs if that is the processor.`,
		Example: `  llana plan --model infer/toymodel/data/spatial
  llana plan --published 13b --gpu-memory 12GiB`,
		Args: cobra.NoArgs,
	}
	cmd.RunE = a.do(func(ctx context.Context, _ []string) error {
		if f.model != "" {
			var err error
			if f.model, err = a.locate(ctx, f.model, hub.Tokenizer); err != nil {
				return err
			}
		}
		return a.plan(f)
	})
	fl := cmd.Flags()
	fl.StringVar(&f.model, "model", "", modelHelp)
	fl.StringVar(&f.published, "published", "", "sizes of a published model: 7b or 13b")
	fl.StringVar(&f.weights, "weights", "", "one storage type: auto (as in the files), f32, bf16, f16, int8 or int4 (default: several)")
	fl.StringVar(&f.cache, "cache", "f32", cacheHelp)
	fl.StringVar(&f.memory, "gpu-memory", "", gpuMemoryHelp)
	fl.IntVar(&f.context, "context", 3125+infer.DefaultNewTokens, "tokens of prompt and answer that the cache holds")
	cmd.MarkFlagsMutuallyExclusive("model", "published")
	cmd.MarkFlagsOneRequired("model", "published")
	return cmd
}

// usualMemories are sizes of GPUs in GiB.
var usualMemories = []int64{8, 12, 16, 24, 48, 80}

// planJSON is a row of plan.
type planJSON struct {
	Weights     string `json:"weights"`
	GPUMemory   int64  `json:"gpu_memory"`
	Fits        bool   `json:"fits"`
	Device      int64  `json:"device_bytes"`
	Host        int64  `json:"host_bytes"`
	Resident    int    `json:"layers_on_device"`
	Layers      int    `json:"layers"`
	WeightBytes int64  `json:"weight_bytes"`
	Cache       int64  `json:"cache_bytes"`
	Activations int64  `json:"activation_bytes"`
}

func (a *app) plan(f planFlags) error {
	if f.context < 1 {
		return usagef("--context %d: want at least 1", f.context)
	}
	memories, err := a.planMemories(f.memory)
	if err != nil {
		return err
	}
	types := []string{"f32", "bf16", "int8", "int4"}
	if f.model != "" {
		types[0] = "auto"
	}
	if f.weights != "" {
		types = []string{f.weights}
	}
	var rows []planJSON
	for _, t := range types {
		for _, m := range memories {
			p, err := f.newPlan(t, m)
			if err != nil {
				return err
			}
			rows = append(rows, planJSON{t, m, p.DeviceBytes() <= m, p.DeviceBytes(), p.HostBytes(), p.Resident, p.Layers,
				p.WeightBytes(), p.Cache, p.Activations})
		}
	}
	if a.json {
		return a.writeJSON(rows)
	}
	return a.printPlans(rows)
}

func (f planFlags) newPlan(weights string, memory int64) (spatialllana.Plan, error) {
	w, err := spatialllana.ParseWeights(weights)
	if err != nil {
		return spatialllana.Plan{}, usageError{fmt.Errorf("--%w", err)}
	}
	cache, err := f.cacheType()
	if err != nil {
		return spatialllana.Plan{}, err
	}
	o := spatialllana.PlanOptions{Context: f.context, Chunk: infer.DefaultChunk, CacheType: cache, Budget: memory}
	if f.model != "" {
		return spatialllana.PlanFolder(f.model, w, o)
	}
	c, ok := spatialllana.Published(f.published)
	if !ok {
		return spatialllana.Plan{}, usagef("--published %q: want 7b or 13b", f.published)
	}
	if w.AsStored {
		return spatialllana.Plan{}, usagef("--weights auto needs --model")
	}
	o.Storage = llama.Storage(w.DType)
	return spatialllana.NewPlan(c, o), nil
}

// planMemories returns the sizes of memory to plan for.
func (a *app) planMemories(given string) ([]int64, error) {
	if given != "" {
		n, err := parseGPUMemory(given)
		return []int64{n}, err
	}
	if n := a.deviceMemory(); n > 0 {
		return []int64{n}, nil
	}
	var all []int64
	for _, g := range usualMemories {
		all = append(all, g<<30)
	}
	return all, nil
}

// deviceMemory returns the memory of the GPU that --device asks for; 0 if that
// is the processor.
func (a *app) deviceMemory() int64 {
	entries, _ := devices.List()
	spec := devices.Spec(a.device)
	for _, e := range entries {
		if e.Spec == spec || spec == "auto" && e.Auto || spec == "vulkan" && e.Memory > 0 {
			return e.Memory
		}
	}
	return 0
}

func (a *app) printPlans(rows []planJSON) error {
	fmt.Fprintf(a.out, "cache %s, intermediate results %s\n\n", size(rows[0].Cache), size(rows[0].Activations))
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "GPU\tWEIGHTS\tON THE GPU\tLAYERS THERE\tIN THE PROCESS\t  ")
	for _, r := range rows {
		note := ""
		switch {
		case !r.Fits:
			note = "does not fit"
		case r.Resident < r.Layers:
			note = "slower: layers are copied"
		}
		fmt.Fprintf(w, "%s\t%s %s\t%s\t%d of %d\t%s\t  %s\n", size(r.GPUMemory), r.Weights, size(r.WeightBytes),
			size(r.Device), r.Resident, r.Layers, size(r.Host), note)
	}
	return w.Flush()
}
