package main

import (
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"latchkey/auth/argon"
)

// hashCommand is what a server starts for itself. People have no use for it.
type hashCommand struct{}

// Run computes argon2id for the server at the other end of standard input and output, until that is gone.
func (c *hashCommand) Run(env *environment) error {
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP) // the server still answers what is under way, and ends it then
	return argon.Serve(env.stdin, env.stdout)                    //nolint:wrapcheck // says what was attempted
}

// hashingProcesses are this program once more for each core, to hash passwords.
func hashingProcesses(log *slog.Logger) *argon.Pool {
	return argon.NewPool(func() *exec.Cmd {
		c := exec.Command(thisProgram(), hashName) //nolint:gosec // this program
		c.Args[0] = "latchkey"
		c.Stderr = os.Stderr
		// Nothing that is secret, and no settings: only what the Go runtime goes by.
		c.Env = slices.DeleteFunc(os.Environ(), func(entry string) bool {
			name, _, _ := strings.Cut(entry, "=")
			return name != "GODEBUG" && name != "GOTRACEBACK"
		})
		return c
	}, runtime.GOMAXPROCS(0), log)
}

// hashName is the command's name.
const hashName = "hash-passwords"

// thisProgram is the file that this process runs, even when another one, of a newer version, has taken its place.
func thisProgram() string {
	const running = "/proc/self/exe"
	if _, err := os.Stat(running); err == nil {
		return running
	}
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}
