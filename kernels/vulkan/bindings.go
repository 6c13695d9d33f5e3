//go:build !nogpu && !android && (linux || darwin || windows) && (amd64 || arm64)

package vulkan

import (
	"fmt"
	"regexp"
	"strconv"
)

// access is how a shader declares a binding.
type access uint8

const (
	unbound access = iota
	uniform
	readOnly
	readWrite
)

var bindingDecl = regexp.MustCompile(`@group\(\s*(\d+)u?\s*\)\s*@binding\(\s*(\d+)u?\s*\)\s*var\s*<\s*(uniform|storage)\s*(?:,\s*(\w+)\s*)?>`)

var lineComment = regexp.MustCompile(`//[^\n]*`)

// bindingsOf reads the declared bindings of group 0 from WGSL text, by number;
// the library cannot derive them.
func bindingsOf(text string) ([]access, error) {
	var b []access
	for _, m := range bindingDecl.FindAllStringSubmatch(lineComment.ReplaceAllString(text, ""), -1) {
		n, err := strconv.Atoi(m[2])
		if err != nil || n > 15 || m[1] != "0" {
			return nil, fmt.Errorf("binding %s of group %s: only group 0 is used, bindings 0 to 15", m[2], m[1])
		}
		for len(b) <= n {
			b = append(b, unbound)
		}
		if b[n] != unbound {
			return nil, fmt.Errorf("binding %d is declared twice", n)
		}
		switch {
		case m[3] == "uniform":
			b[n] = uniform
		case m[4] == "read" || m[4] == "":
			b[n] = readOnly
		case m[4] == "read_write":
			b[n] = readWrite
		default:
			return nil, fmt.Errorf("binding %d: unknown access %q", n, m[4])
		}
		if (b[n] == uniform) != (n == 0) {
			return nil, fmt.Errorf("binding %d: the uniform block, and nothing else, is binding 0", n)
		}
	}
	return b, nil
}
