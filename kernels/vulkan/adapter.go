package vulkan

import (
	"errors"

	"llana/kernels"
)

// Adapter is a Vulkan device of this machine.
type Adapter struct {
	Index  int // for Open
	Info   kernels.Info
	Memory int64 // bytes of its own memory; with 0 it cannot be opened
	// Software is true of drivers that compute on the processor.
	Software bool
}

var (
	// ErrUnavailable means that there is no Vulkan on this machine, or that
	// the program was built without it.
	ErrUnavailable = errors.New("vulkan: not available")
	// ErrLost means that the GPU was reset or went away. The device must be
	// closed; a new one may work.
	ErrLost = errors.New("vulkan: device lost")
	// ErrOutOfMemory means that the GPU's memory is full.
	ErrOutOfMemory = errors.New("vulkan: out of device memory")
	// ErrStalled means that the GPU finished nothing for several minutes.
	ErrStalled = errors.New("vulkan: device makes no progress")
	// ErrTooLarge means that a tensor exceeds what the device can hold or bind
	// in one piece.
	ErrTooLarge = errors.New("vulkan: tensor too large for the device")
	// ErrClosed means that the device was used after Close.
	ErrClosed = errors.New("vulkan: device is closed")
)
