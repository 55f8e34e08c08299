//go:build unix && !linux

package modelstest

import "syscall"

const ctype = "C"

// sysProcAttr makes a child run as the account. There is no parent-death signal
// here: after a kill the server lives until the next run removes its directory.
func sysProcAttr(a account, _ syscall.Signal) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{}
	if a.other {
		attr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	return attr
}
