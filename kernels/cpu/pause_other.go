//go:build !amd64 || purego

package cpu

import "runtime"

// pause lets other goroutines run.
func pause() { runtime.Gosched() }
