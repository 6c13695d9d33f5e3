package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"llana/autograd"
	"llana/autograd/gradcheck"
	"llana/kernels"
	"llana/kernels/conformance"
)

func verifyCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "verify [KERNEL]...",
		Short: "Check every kernel and gradient on a device",
		Long: `Check every kernel on the chosen device against the float64 reference: results
within tolerance, the words behind each output untouched, NaN and infinities where
they belong. Then check every gradient, on the device against float64 and in
float64 against central differences. Errors are shares of what is allowed: above 1
a check fails. With names, only those kernels and gradients are checked.`,
		Example: "  llana verify --device cpu\n  llana verify --device vulkan matmul attention",
		RunE:    a.do(func(ctx context.Context, args []string) error { return a.verify(ctx, args) }),
	}
}

// verifyJSON is the result of verify.
type verifyJSON struct {
	Device    string      `json:"device"`
	Passed    bool        `json:"passed"`
	Kernels   []checkJSON `json:"kernels"`
	Gradients []checkJSON `json:"gradients"`
}

// checkJSON is what came of all cases of a kernel or gradient.
type checkJSON struct {
	Name string `json:"name"`
	// Cases counts the checks, Failed those of them that failed.
	Cases  int `json:"cases"`
	Failed int `json:"failed"`
	// Error is the largest error of all cases as a share of what is allowed.
	Error    float64  `json:"error"`
	Worst    string   `json:"worst_case"`
	Failures []string `json:"failures,omitempty"`
}

// checks collects results by name, in order.
type checks []checkJSON

func (c *checks) add(name, kase string, share float64, err error) {
	if n := len(*c); n == 0 || (*c)[n-1].Name != name {
		*c = append(*c, checkJSON{Name: name})
	}
	r := &(*c)[len(*c)-1]
	r.Cases++
	if math.IsInf(share, 0) || math.IsNaN(share) {
		share = math.MaxFloat64 // JSON has no infinity
	}
	if r.Worst == "" || share > r.Error {
		r.Error, r.Worst = share, kase
	}
	if err != nil {
		r.Failed++
		r.Failures = append(r.Failures, kase+": "+oneLine(err))
	}
}

func (c checks) failed() (failed, cases int) {
	for _, r := range c {
		failed += r.Failed
		cases += r.Cases
	}
	return failed, cases
}

func (a *app) verify(ctx context.Context, names []string) error {
	if err := knownChecks(names); err != nil {
		return err
	}
	return a.withDevice(func(d kernels.Device) error {
		kernelChecks, err := a.verifyKernels(ctx, d, names)
		if err != nil {
			return err
		}
		gradients, err := a.verifyGradients(ctx, d, names)
		if err != nil {
			return err
		}
		return a.printChecks(d.Info().Name, kernelChecks, gradients)
	})
}

// wanted reports whether a name is asked for.
func wanted(names []string, name string) bool { return len(names) == 0 || slices.Contains(names, name) }

func knownChecks(names []string) error {
	known := map[string]bool{}
	for _, op := range kernels.Ops() {
		known[op.Name] = true
	}
	for _, r := range autograd.Rules() {
		known[r.Name] = true
	}
	for _, n := range names {
		if !known[n] {
			return usagef("no kernel or gradient %q; docs/ops.md lists them", n)
		}
	}
	return nil
}

func (a *app) verifyKernels(ctx context.Context, d kernels.Device, names []string) (checks, error) {
	ops := kernels.Ops()
	bar := a.console().Bar("kernels", len(ops))
	defer bar.Close()
	c := checks{}
	for i, op := range ops {
		bar.Set(i)
		for _, k := range op.Cases {
			if k.Bench || !wanted(names, op.Name) {
				continue
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			for _, check := range conformance.Checks(d, op, k, true) {
				r := check()
				c.add(r.Op, r.Case, r.Error, r.Err)
			}
		}
	}
	return c, nil
}

func (a *app) verifyGradients(ctx context.Context, d kernels.Device, names []string) (checks, error) {
	total := 0
	for _, r := range autograd.Rules() {
		total += 2 * len(r.Cases)
	}
	bar := a.console().Bar("gradients", total)
	defer bar.Close()
	c := map[string]*checks{}
	var order []string
	add := func(r gradcheck.Result, how string) {
		bar.Add(1)
		if !wanted(names, r.Rule) {
			return
		}
		if c[r.Rule] == nil {
			c[r.Rule] = &checks{}
			order = append(order, r.Rule)
		}
		c[r.Rule].add(r.Rule, r.Case+how, r.Error/r.Bound, r.Err)
	}
	gradcheck.Device(d, func(r gradcheck.Result) { add(r, "") })
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	gradcheck.Rules(func(r gradcheck.Result) { add(r, ", central differences") })
	all := checks{}
	for _, name := range order {
		all = append(all, *c[name]...)
	}
	return all, ctx.Err()
}

func (a *app) printChecks(device string, kernelChecks, gradients checks) error {
	failed, cases := kernelChecks.failed()
	gradFailed, gradCases := gradients.failed()
	failed, cases = failed+gradFailed, cases+gradCases
	if a.json {
		if err := a.writeJSON(verifyJSON{device, failed == 0, kernelChecks, gradients}); err != nil {
			return err
		}
	} else {
		w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
		kernelChecks.print(w, "KERNEL")
		fmt.Fprintln(w)
		gradients.print(w, "GRADIENT")
		if err := w.Flush(); err != nil {
			return err
		}
		fmt.Fprintf(a.out, "\n%s: %d of %d checks passed\n", device, cases-failed, cases)
	}
	if failed > 0 {
		return fmt.Errorf("%s: %d of %d checks failed", device, failed, cases)
	}
	return nil
}

func (c checks) print(w *tabwriter.Writer, title string) {
	fmt.Fprintf(w, "%s\tCASES\tERROR\tLARGEST IN\t\n", title)
	for _, r := range c {
		verdict := ""
		if r.Failed > 0 {
			verdict = fmt.Sprintf("%d FAILED: %s", r.Failed, strings.Join(r.Failures, "; "))
		}
		fmt.Fprintf(w, "%s\t%d\t%.3f\t%s\t%s\n", r.Name, r.Cases, r.Error, r.Worst, verdict)
	}
}
