// Package devices finds and opens the devices of a machine.
//
// A device is asked for by a specification:
//
//	auto       a real GPU when there is one, else the processor
//	cpu        the processor; cpu:N on N threads
//	vulkan     the best Vulkan device, a software driver if there is no other
//	vulkan:N   the Vulkan device of that number in List
//
// An empty specification is the environment variable LLANA_DEVICE, or auto.
//
// With LLANA_DEBUG=2 an opened device times every operation and prints a table
// on standard error when it is closed; with 3 the table tells shapes apart.
package devices

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"llana/kernels"
	"llana/kernels/cpu"
	"llana/kernels/vulkan"
)

// Entry is a device that can be opened.
type Entry struct {
	Spec   string // for Open
	Info   kernels.Info
	Memory int64 // bytes of its own memory, 0 for the processor
	// Software marks a Vulkan driver that computes on the processor.
	Software bool
	// Auto marks the device that "auto" opens.
	Auto bool
}

// List returns the devices of this machine, the processor first. The error
// says why there is no Vulkan device, which is nothing wrong.
func List() ([]Entry, error) {
	c := cpu.New(0)
	entries := []Entry{{Spec: "cpu", Info: c.Info()}}
	c.Close()
	adapters, err := vulkan.Adapters()
	for _, a := range adapters {
		entries = append(entries, Entry{
			Spec: fmt.Sprintf("vulkan:%d", a.Index), Info: a.Info, Memory: a.Memory, Software: a.Software,
		})
	}
	auto := 0
	if best, ok := Best(adapters); ok && !best.Software {
		auto = 1 + best.Index
	}
	entries[auto].Auto = true
	return entries, err
}

// Best returns the adapter to prefer: a discrete GPU before an integrated one
// before a virtual one before anything else before a software driver; the one
// listed first among equals. Adapters without memory do not count.
func Best(adapters []vulkan.Adapter) (best vulkan.Adapter, ok bool) {
	rank := map[string]int{"discrete gpu": 4, "integrated gpu": 3, "virtual gpu": 2, "other": 1}
	for _, a := range adapters {
		if a.Memory > 0 && (!ok || rank[a.Info.Kind] > rank[best.Info.Kind]) {
			best, ok = a, true
		}
	}
	return best, ok
}

// Spec returns the specification that an empty one stands for.
func Spec(spec string) string {
	if spec == "" {
		spec = os.Getenv("LLANA_DEVICE")
	}
	if spec == "" {
		spec = "auto"
	}
	return spec
}

// Open opens the device that spec asks for.
func Open(spec string) (kernels.Device, error) {
	spec = Spec(spec)
	d, err := open(spec)
	if err != nil {
		return nil, fmt.Errorf("device %q: %w", spec, err)
	}
	if level, _ := strconv.Atoi(os.Getenv("LLANA_DEBUG")); level >= 2 {
		d = kernels.Trace(d, os.Stderr, level >= 3)
	}
	return d, nil
}

var errSpec = errors.New("want auto, cpu, cpu:N, vulkan or vulkan:N")

func open(spec string) (kernels.Device, error) {
	kind, arg, numbered := strings.Cut(spec, ":")
	n, err := strconv.Atoi(arg)
	if numbered && (err != nil || n < 0) {
		return nil, errSpec
	}
	switch {
	case kind == "auto" && !numbered:
		adapters, _ := vulkan.Adapters()
		if best, ok := Best(adapters); ok && !best.Software {
			return vulkan.Open(best.Index)
		}
		return cpu.New(0), nil
	case kind == "cpu":
		return cpu.New(n), nil
	case kind == "vulkan" && numbered:
		return vulkan.Open(n)
	case kind == "vulkan":
		adapters, err := vulkan.Adapters()
		if err != nil {
			return nil, err
		}
		best, ok := Best(adapters)
		if !ok {
			return nil, fmt.Errorf("%w: no adapter has memory", vulkan.ErrUnavailable)
		}
		return vulkan.Open(best.Index)
	}
	return nil, errSpec
}
