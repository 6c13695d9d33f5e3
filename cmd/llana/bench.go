package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"llana/cmd/llana/internal/bench"
	"llana/kernels"
)

type benchFlags struct {
	threads int
	list    bool
	budget  time.Duration
}

func benchCommand(a *app) *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "bench [CASE]...",
		Short: "Time kernels and models, beside the device's measured ceilings",
		Long: `Time kernels and models: median time, GFLOP/s, GB/s and the share of the measured
ceiling. The ceilings are a copy of memory, and multiply-adds in registers (on the
processor: large matrix products). A case is named by its name, or with all others
of its kind by the beginning of it; sizes in a name are free. Whole models run
when they are named.`,
		Example: "  llana bench --list\n  llana bench matmul kernel/softmax\n  llana bench matmul/f32/512x2048x768 --threads 1 --json",
	}
	cmd.RunE = a.do(func(ctx context.Context, args []string) error {
		cases, err := bench.Select(args)
		if err != nil {
			return usageError{err}
		}
		if f.list {
			return a.listCases()
		}
		if err := a.useThreads(f.threads); err != nil {
			return err
		}
		return a.withDevice(func(d kernels.Device) error { return a.bench(ctx, d, f, cases) })
	})
	cmd.Flags().IntVar(&f.threads, "threads", 0, "threads of the processor; 0: all")
	cmd.Flags().BoolVar(&f.list, "list", false, "list the cases")
	cmd.Flags().DurationVar(&f.budget, "budget", 300*time.Millisecond, "time spent on a case")
	return cmd
}

func (a *app) listCases() error {
	for _, c := range bench.Cases() {
		note := ""
		if c.Large {
			note = "  (large: runs when it is named)"
		}
		if _, err := fmt.Fprintf(a.out, "%s%s\n", c.Name, note); err != nil {
			return err
		}
	}
	return nil
}

// useThreads chooses the processor with n threads, if n is not 0.
func (a *app) useThreads(n int) error {
	if n == 0 {
		return nil
	}
	spec := a.device
	if spec == "" {
		spec = os.Getenv("LLANA_DEVICE")
	}
	if n < 0 || strings.HasPrefix(spec, "vulkan") {
		return usagef("--threads %d: want a number of threads, with --device cpu", n)
	}
	a.device = "cpu:" + strconv.Itoa(n)
	return nil
}

// threads returns the number of threads that a device computes on; 0 for a GPU.
func (a *app) threads(d kernels.Device) int {
	if d.Info().Backend != "cpu" {
		return 0
	}
	spec := a.device
	if spec == "" {
		spec = os.Getenv("LLANA_DEVICE")
	}
	_, arg, _ := strings.Cut(spec, ":")
	if n, _ := strconv.Atoi(arg); n > 0 {
		return n
	}
	return runtime.GOMAXPROCS(0)
}

func (a *app) bench(ctx context.Context, d kernels.Device, f benchFlags, cases []bench.Case) error {
	bar := a.console().Bar("ceilings", len(cases))
	defer bar.Close()
	b, err := bench.New(ctx, d, a.threads(d), f.budget)
	if err != nil {
		return err
	}
	var results []bench.Result
	for i, c := range cases {
		bar.Describe("%s", c.Name)
		bar.Set(i)
		r, err := b.Run(ctx, c)
		if err != nil {
			return err
		}
		results = append(results, r)
	}
	bar.Close()
	if a.json {
		return a.writeJSON(results)
	}
	ceil := b.Ceilings()
	fmt.Fprintf(a.out, "%s: at most %.1f GFLOP/s and %.1f GB/s\n\n", d.Info().Name, ceil.GFLOPs, ceil.GBps)
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "TIME\tGFLOP/s\tGB/s\tCEILING\tTOKENS/s\tDISPATCHES\tMEMORY\t  CASE")
	for _, r := range results {
		tokens := "-"
		if r.TokensPerSecond > 0 {
			tokens = fmt.Sprintf("%.1f", r.TokensPerSecond)
		}
		fmt.Fprintf(w, "%s\t%.2f\t%.2f\t%.0f %%\t%s\t%d\t%s\t  %s\n", seconds(r.Seconds), r.GFLOPs, r.GBps,
			100*r.CeilingShare, tokens, r.Dispatches, size(r.PeakBytes), r.Case)
	}
	return w.Flush()
}

// seconds formats a time with three digits or so.
func seconds(s float64) string {
	switch {
	case s >= 1:
		return fmt.Sprintf("%.2f s ", s)
	case s >= 1e-3:
		return fmt.Sprintf("%.2f ms", s*1e3)
	}
	return fmt.Sprintf("%.1f µs", s*1e6)
}
