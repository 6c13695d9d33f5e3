// Package vulkan is the GPU device: it runs the WGSL kernels of package
// kernels through Vulkan, without cgo, on the hardware layer of
// github.com/gogpu/wgpu.
//
// # Order
//
// Launch, Upload and Download append steps to a batch. A batch becomes one
// command buffer and one submission: when it holds enough work to keep a GPU
// busy but too little to alarm a driver's watchdog, when the GPU is idle, or
// when somebody waits for a result. Steps run in the order they were recorded,
// with a barrier between any two, and submissions run one after the other. So
// memory may be given back while the work that uses it is still to run: whoever
// gets it next comes later in the same order.
//
// # Memory
//
// Tensors are ranges of a few large buffers, aligned to 256 bytes. One buffer
// may be bound several times in a dispatch, for reading and for writing, as
// long as the ranges differ; this is legal in Vulkan and covered by a test.
// Parameter blocks live in slots of one uniform buffer and are found again by
// content, bind groups by what they bind: a training step that repeats itself
// neither uploads nor creates anything.
//
// # Kernels
//
// WGSL is translated by github.com/gogpu/naga, which handles the restricted
// language of package dialect; the canary tests state what it makes of single
// constructs. Workgroup memory is not zeroed, other than WGSL has it: the
// translation has one invocation store every element, which is dropped.
//
// # Errors
//
// The first error sticks: later calls do nothing, and Download, Sync and Err
// return it. ErrLost, ErrOutOfMemory, ErrStalled and ErrTooLarge tell the
// kinds apart.
//
// Compiled pipelines are kept by the library in the user's cache folder
// (gogpu/vulkan), so that a second start is fast.
//
// The build tag nogpu leaves Vulkan out; Adapters is then empty.
package vulkan
