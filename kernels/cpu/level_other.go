//go:build !(amd64 || arm64) || purego

package cpu

func detect() []isa { return []isa{portable} }

func tileKernel() kernel { return portableTile }
