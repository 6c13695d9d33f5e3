//go:build !nogpu && !android && (linux || darwin || windows) && (amd64 || arm64)

package vulkan

import (
	"fmt"
	"testing"
)

func TestBindings(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`@group(0) @binding(0) var<uniform> p: P;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
// @group(0) @binding(3) var<storage, read> z: array<f32>;
@group(0) @binding(1) var < storage , read > x: array<f32>;`, "[1 2 3] <nil>"},
		{`@group(0)@binding(1)var<storage>x:array<f32>;`, "[0 2] <nil>"},
		{``, "[] <nil>"},
		{`@group(1) @binding(0) var<uniform> p: P;`, "[] binding 0 of group 1: only group 0 is used, bindings 0 to 15"},
		{`@group(0) @binding(99) var<storage> p: P;`, "[] binding 99 of group 0: only group 0 is used, bindings 0 to 15"},
		{`@group(0) @binding(1) var<storage> p: P; @group(0) @binding(1) var<storage> q: P;`, "[] binding 1 is declared twice"},
		{`@group(0) @binding(1) var<storage, write> p: P;`, `[] binding 1: unknown access "write"`},
		{`@group(0) @binding(1) var<uniform> p: P;`, "[] binding 1: the uniform block, and nothing else, is binding 0"},
	} {
		b, err := bindingsOf(c.text)
		if err != nil {
			b = nil
		}
		if got := fmt.Sprint(b, err); got != c.want {
			t.Errorf("%s\ngives %s\nwant  %s", c.text, got, c.want)
		}
	}
}
