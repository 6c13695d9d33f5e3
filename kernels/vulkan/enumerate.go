//go:build !nogpu && !android && (linux || darwin || windows) && (amd64 || arm64)

package vulkan

import (
	"bytes"
	"fmt"
	"runtime"
	"unsafe"

	"github.com/gogpu/wgpu/hal/vulkan/vk"

	"llana/kernels"
)

// Adapters lists the Vulkan devices of this machine, software drivers
// included. Without a Vulkan loader or driver the error is ErrUnavailable.
//
// It asks Vulkan itself, because the library tells neither a device's memory
// nor its driver, and calls every device's largest buffer 256 MiB.
func Adapters() ([]Adapter, error) {
	if err := vk.Init(); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrUnavailable, err)
	}
	cmds := vk.NewCommands()
	if err := cmds.LoadGlobal(); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrUnavailable, err)
	}
	instance, err := createInstance(cmds)
	if err != nil {
		return nil, err
	}
	defer cmds.DestroyInstance(instance, nil)
	var n uint32
	result := cmds.EnumeratePhysicalDevices(instance, &n, nil)
	if result != vk.Success || n == 0 {
		return nil, fmt.Errorf("%w: no adapters", ErrUnavailable)
	}
	devices := make([]vk.PhysicalDevice, n)
	if result = cmds.EnumeratePhysicalDevices(instance, &n, &devices[0]); result != vk.Success {
		return nil, fmt.Errorf("%w: vkEnumeratePhysicalDevices gave %d", ErrUnavailable, result)
	}
	var all []Adapter
	for i, d := range devices[:n] {
		all = append(all, describe(cmds, d, i))
	}
	return all, nil
}

func createInstance(cmds *vk.Commands) (vk.Instance, error) {
	// The library's loader insists on the functions of this extension.
	extension := []byte("VK_KHR_surface\x00")
	names := []uintptr{uintptr(unsafe.Pointer(&extension[0]))}
	app := vk.ApplicationInfo{SType: vk.StructureTypeApplicationInfo, ApiVersion: 1<<22 | 2<<12}
	create := vk.InstanceCreateInfo{
		SType:                   vk.StructureTypeInstanceCreateInfo,
		PApplicationInfo:        &app,
		EnabledExtensionCount:   1,
		PpEnabledExtensionNames: uintptr(unsafe.Pointer(&names[0])),
	}
	var instance vk.Instance
	result := cmds.CreateInstance(&create, nil, &instance)
	runtime.KeepAlive(extension)
	runtime.KeepAlive(names)
	if result != vk.Success {
		return 0, fmt.Errorf("%w: vkCreateInstance gave %d", ErrUnavailable, result)
	}
	if err := cmds.LoadInstance(instance); err != nil {
		return 0, fmt.Errorf("%w: %v", ErrUnavailable, err)
	}
	return instance, nil
}

func describe(cmds *vk.Commands, d vk.PhysicalDevice, index int) Adapter {
	var props vk.PhysicalDeviceProperties
	cmds.GetPhysicalDeviceProperties(d, &props)
	l := props.Limits
	driver, maxBuffer := extendedProperties(cmds, d)
	if maxBuffer <= 0 {
		maxBuffer = kernels.BaseLimits.MaxBuffer
	}
	software, workers := props.DeviceType == vk.PhysicalDeviceTypeCpu, 0
	if software {
		workers = runtime.NumCPU()
	}
	return Adapter{
		Index:    index,
		Memory:   localMemory(cmds, d),
		Software: software,
		Info: kernels.Info{
			Name: cString(props.DeviceName[:]), Backend: "vulkan", Kind: kindOf(props.DeviceType), Driver: driver,
			Limits: kernels.Limits{
				MaxGroups:      int(min(l.MaxComputeWorkGroupCount[0], l.MaxComputeWorkGroupCount[1], l.MaxComputeWorkGroupCount[2])),
				MaxBinding:     min(int64(l.MaxStorageBufferRange), maxBuffer),
				MaxBuffer:      maxBuffer,
				MaxInvocations: int(l.MaxComputeWorkGroupInvocations),
				WorkgroupBytes: int(l.MaxComputeSharedMemorySize),
				Workers:        workers,
			},
		},
	}
}

func kindOf(t vk.PhysicalDeviceType) string {
	switch t {
	case vk.PhysicalDeviceTypeIntegratedGpu:
		return "integrated gpu"
	case vk.PhysicalDeviceTypeDiscreteGpu:
		return "discrete gpu"
	case vk.PhysicalDeviceTypeVirtualGpu:
		return "virtual gpu"
	case vk.PhysicalDeviceTypeCpu:
		return "cpu"
	}
	return "other"
}

// localMemory returns the bytes of the device's own memory.
func localMemory(cmds *vk.Commands, d vk.PhysicalDevice) int64 {
	var mem vk.PhysicalDeviceMemoryProperties
	cmds.GetPhysicalDeviceMemoryProperties(d, &mem)
	var total int64
	for _, h := range mem.MemoryHeaps[:min(int(mem.MemoryHeapCount), len(mem.MemoryHeaps))] {
		if h.Flags&vk.MemoryHeapFlags(vk.MemoryHeapDeviceLocalBit) != 0 {
			total += int64(h.Size)
		}
	}
	return total
}

// structureTypeDriverProperties is
// VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES, which the library's
// bindings lack.
const structureTypeDriverProperties vk.StructureType = 1000196000

// extendedProperties returns the driver's name and version and the largest
// allocation; a driver that does not know the questions leaves them empty.
func extendedProperties(cmds *vk.Commands, d vk.PhysicalDevice) (driver string, maxAllocation int64) {
	driverProps := vk.PhysicalDeviceDriverProperties{SType: structureTypeDriverProperties}
	limits := vk.PhysicalDeviceMaintenance3Properties{
		SType: vk.StructureTypePhysicalDeviceMaintenance3Properties,
		PNext: (*uintptr)(unsafe.Pointer(&driverProps)),
	}
	props := vk.PhysicalDeviceProperties2{
		SType: vk.StructureTypePhysicalDeviceProperties2,
		PNext: (*uintptr)(unsafe.Pointer(&limits)),
	}
	cmds.GetPhysicalDeviceProperties2(d, &props)
	runtime.KeepAlive(&driverProps)
	driver = cString(driverProps.DriverName[:])
	if info := cString(driverProps.DriverInfo[:]); info != "" {
		driver += " " + info
	}
	return driver, int64(min(uint64(limits.MaxMemoryAllocationSize), 1<<62))
}

func cString(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}
