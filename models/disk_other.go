//go:build !linux && !darwin

package models

func freeSpace(string) int64 { return -1 }

func writable(string) bool { return true }
