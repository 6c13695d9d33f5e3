package main

import (
	"context"
	"fmt"
	"testing"
)

// An interrupted command says so, in words.
func TestInterruption(t *testing.T) {
	for want, err := range map[string]error{
		"interrupted":              context.Canceled,
		"interrupted: a.json":      fmt.Errorf("a.json: %w", context.Canceled),
		"interrupted after 3 of 8": fmt.Errorf("interrupted after 3 of 8: %w", context.Canceled),
	} {
		if got := interruption(err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}
