// Command latchkey serves an account portal and the token endpoints of mobile apps, and administers both.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	boundMemory()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP) // serve ignores the last
	context.AfterFunc(ctx, stop)                                                                           // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program: 0 done, 1 failed, 2 wrong usage or settings, with one clear line on stderr.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
	defer recoverExit(&code)
	var c cli
	command, err := c.parse(args, stdout, stderr)
	if err == nil {
		err = command.Run(&environment{ctx: ctx, settings: c.Settings, stdin: stdin, stdout: stdout, stderr: stderr})
	}
	if err == nil {
		return 0
	}
	fmt.Fprintln(stderr, "latchkey: "+oneLine(err))
	if errors.As(err, new(usageError)) {
		return 2
	}
	return 1
}
