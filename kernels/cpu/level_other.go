//go:build !amd64 || purego

package cpu

import "runtime"

func detect() isa { return portable }

func tileKernel() kernel { return portableTile }

// pause lets other goroutines run.
func pause() { runtime.Gosched() }
