//go:build !(darwin || freebsd || linux || windows)

package hub

func freeSpace(string) (free uint64, known bool) { return 0, false }
