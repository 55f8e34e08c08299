//go:build !linux

package argon

import "os/exec"

// giveWay and setApart are for Linux.
func giveWay() {}

func setApart(*exec.Cmd) {}
