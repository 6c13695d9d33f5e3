package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"llana/kernels/devices"
)

func devicesCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "devices",
		Short: "List the devices of this machine and their limits",
		Long: `List what --device can name on this machine: name, backend, kind, memory and the
limits that kernels are planned by. The one that "auto" takes has a star.`,
		Example: "  llana devices\n  llana devices --json",
		Args:    cobra.NoArgs,
		RunE:    a.do(func(ctx context.Context, _ []string) error { return a.listDevices() }),
	}
}

// deviceJSON is an adapter in the output of "llana devices --json".
type deviceJSON struct {
	Device         string `json:"device"`
	Name           string `json:"name"`
	Backend        string `json:"backend"`
	Kind           string `json:"kind"`
	Driver         string `json:"driver,omitempty"`
	Memory         int64  `json:"memory"`
	MaxBuffer      int64  `json:"max_buffer"`
	MaxBinding     int64  `json:"max_binding"`
	MaxInvocations int    `json:"max_invocations"`
	WorkgroupBytes int    `json:"workgroup_bytes"`
	Software       bool   `json:"software"`
	Auto           bool   `json:"auto"`
}

func (a *app) listDevices() error {
	entries, missing := devices.List()
	list := make([]deviceJSON, len(entries))
	for i, e := range entries {
		l := e.Info.Limits
		list[i] = deviceJSON{e.Spec, e.Info.Name, e.Info.Backend, e.Info.Kind, e.Info.Driver, e.Memory,
			l.MaxBuffer, l.MaxBinding, l.MaxInvocations, l.WorkgroupBytes, e.Software, e.Auto}
	}
	if a.json {
		return a.writeJSON(list)
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\tDEVICE\tNAME\tBACKEND\tKIND\tMEMORY\tBUFFER\tBINDING\tGROUP\tSHARED")
	for _, d := range list {
		star, kind := "", d.Kind
		if d.Auto {
			star = "*"
		}
		if d.Software {
			kind += " (software)"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", star, d.Device, d.Name, d.Backend, kind,
			size(d.Memory), size(d.MaxBuffer), size(d.MaxBinding), count(d.MaxInvocations), size(int64(d.WorkgroupBytes)))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if missing != nil {
		a.console().Logf("no Vulkan device: %s", oneLine(missing))
	}
	return nil
}

// size formats a number of bytes; "-" for unknown or without a limit.
func size(n int64) string {
	switch {
	case n <= 0 || n >= 1<<50:
		return "-"
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.0f KiB", float64(n)/(1<<10))
}

func count(n int) string {
	if n <= 0 {
		return "-"
	}
	return fmt.Sprint(n)
}
