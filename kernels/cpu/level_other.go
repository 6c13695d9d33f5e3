//go:build !amd64 || purego

package cpu

func detect() isa { return portable }

func tileKernel() kernel { return portableTile }
