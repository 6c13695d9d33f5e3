//go:build nogpu || android || !(linux || darwin || windows) || !(amd64 || arm64)

package vulkan

import "llana/kernels"

// Adapters returns ErrUnavailable: this program was built without Vulkan.
func Adapters() ([]Adapter, error) { return nil, ErrUnavailable }

// Open returns ErrUnavailable: this program was built without Vulkan.
func Open(index int) (kernels.Device, error) { return nil, ErrUnavailable }
