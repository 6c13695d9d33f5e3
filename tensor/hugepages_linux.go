package tensor

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

const hugePage = 2 << 20

// useHugePages asks for large pages in fresh memory: filling gigabytes of
// weights page by page takes longer than reading them. It is a hint only.
func useHugePages(b []byte) {
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) & (hugePage - 1))
	if len(b) < skip+hugePage {
		return
	}
	b = b[skip:]
	_ = unix.Madvise(b[:len(b)/hugePage*hugePage], unix.MADV_HUGEPAGE)
}
