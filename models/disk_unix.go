//go:build linux || darwin

package models

import "syscall"

// freeSpace returns how many bytes this process may still write to the disk of a folder, or -1.
func freeSpace(folder string) int64 {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(folder, &disk); err != nil {
		return -1
	}
	return int64(disk.Bavail) * int64(disk.Bsize)
}

// writable reports whether this process may write a file or a folder.
func writable(path string) bool {
	const write = 2 // W_OK of access(2)
	return syscall.Access(path, write) == nil
}
