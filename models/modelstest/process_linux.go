package modelstest

import "syscall"

// ctype is a locale that every libc on Linux has.
const ctype = "C.UTF-8"

// sysProcAttr makes a child run as the account, end with us (sig, sent by the
// kernel), and stand outside our process group: a Ctrl-C at the terminal is for
// the tests, which then take the server with them.
func sysProcAttr(a account, sig syscall.Signal) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Pdeathsig: sig, Setpgid: true}
	if a.other {
		attr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	return attr
}
