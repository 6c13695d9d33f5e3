//go:build darwin || freebsd || linux

package hub

import "syscall"

// freeSpace returns how many bytes a user may still write to a folder's file
// system.
func freeSpace(dir string) (free uint64, known bool) {
	var s syscall.Statfs_t
	if syscall.Statfs(dir, &s) != nil || int64(s.Bavail) < 0 {
		return 0, false
	}
	return uint64(s.Bavail) * uint64(s.Bsize), true
}
