package hub

import "golang.org/x/sys/windows"

// freeSpace returns how many bytes a user may still write to a folder's file
// system.
func freeSpace(dir string) (free uint64, known bool) {
	p, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, false
	}
	return free, windows.GetDiskFreeSpaceEx(p, &free, nil, nil) == nil
}
