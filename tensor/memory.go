package tensor

import "context"

// Buffer is a device's handle of some of its memory.
type Buffer interface {
	// Size returns the number of bytes asked for when it was allocated.
	Size() int
}

// Memory is where tensors live. Implementations keep freed buffers in a pool.
// Uploads and downloads are ordered with the work launched on the device. An
// error (no memory left, a lost device) sticks and comes out of Download.
type Memory interface {
	Alloc(size int) Buffer
	Free(Buffer)
	// Upload copies src into dst, from byte at on. src may be reused at once.
	Upload(dst Buffer, at int, src []byte)
	// Download waits for the work launched so far and copies the first
	// len(dst) bytes of src.
	Download(ctx context.Context, dst []byte, src Buffer) error
	Stats() Stats
}

// Stats counts a device's memory, in bytes.
type Stats struct {
	Live   int64 // held by tensors
	Peak   int64 // the most that was live at once
	Pooled int64 // freed and kept for reuse
}
