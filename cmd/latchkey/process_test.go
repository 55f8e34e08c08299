package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// built is the program as an operator runs it.
type built struct {
	path  string
	lease io.Closer // the folder goes when it is closed
}

// binary builds the program, once for all tests of a run.
var binary = sync.OnceValues(func() (b built, err error) {
	dir, err := os.MkdirTemp("", "latchkey-binary-")
	if err != nil {
		return b, err
	}
	// Nothing of package testing runs after the last test. The shell reads until this process has ended, however it
	// ends, and removes the folder then.
	sweeper := exec.Command("sh", "-c", `cat; rm -rf "$0"`, dir)
	if b.lease, err = sweeper.StdinPipe(); err != nil {
		return b, err
	}
	if err := sweeper.Start(); err != nil {
		return b, err
	}
	if err := os.Chmod(dir, 0o755); err != nil { // a test runs it as nobody
		return b, err
	}
	b.path = filepath.Join(dir, "latchkey")
	out, err := exec.Command("go", "build", "-o", b.path, ".").CombinedOutput()
	if err != nil {
		return b, errors.New(string(out))
	}
	return b, nil
})

// child is a run of the built program.
type child struct {
	cmd            *exec.Cmd
	stdout, stderr transcript
	ended          chan struct{}
}

// launch starts the built program with nothing but the given settings, in a folder of its own. It is killed after the test.
func launch(t *testing.T, settings []string, args ...string) *child {
	t.Helper()
	return launchAs(t, t.TempDir(), nil, settings, args...)
}

func launchAs(t *testing.T, dir string, who *syscall.Credential, settings []string, args ...string) *child {
	t.Helper()
	program, err := binary()
	if err != nil {
		t.Fatalf("build: %v", err)
	}
	return launchProgram(t, program.path, dir, who, settings, args...)
}

func launchProgram(t *testing.T, path, dir string, who *syscall.Credential, settings []string, args ...string) *child {
	t.Helper()
	cmd := exec.Command(path, args...)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = dir, append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir}, settings...), &syscall.SysProcAttr{Credential: who}
	return startChild(t, cmd)
}

func startChild(t *testing.T, cmd *exec.Cmd) *child {
	t.Helper()
	c := &child{cmd: cmd, ended: make(chan struct{})}
	c.cmd.Stdout, c.cmd.Stderr = &c.stdout, &c.stderr
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = c.cmd.Wait()
		close(c.ended)
	}()
	t.Cleanup(func() {
		_ = c.cmd.Process.Kill()
		<-c.ended
	})
	return c
}

// end waits for the program to end by itself.
func (c *child) end(t *testing.T, within time.Duration) outcome {
	t.Helper()
	select {
	case <-c.ended:
	case <-time.After(within):
		t.Fatalf("still running after %s; stderr:\n%s", within, c.stderr.String())
	}
	return outcome{c.cmd.ProcessState.ExitCode(), c.stdout.String(), c.stderr.String()}
}

var servingAt = regexp.MustCompile(`msg=serving url=(\S+)`)

// url waits until the program serves.
func (c *child) url(t *testing.T) string {
	t.Helper()
	var at []string
	eventually(t, time.Minute, "serves", func() bool {
		select {
		case <-c.ended:
			t.Fatalf("ended before it served:\n%s", c.stderr.String())
		default:
		}
		at = servingAt.FindStringSubmatch(c.stderr.String())
		return at != nil
	})
	return at[1]
}

func (c *child) stop(t *testing.T) {
	t.Helper()
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

// eventually waits for a condition.
func eventually(t *testing.T, within time.Duration, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("not within %s: %s", within, what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// on are the settings of a server on a free port, with a database.
func on(database string, more ...string) []string {
	return slices.Concat([]string{"LATCHKEY_ADDR=127.0.0.1:0", "LATCHKEY_DATABASE=" + database, "LATCHKEY_SECRET=" + secretOf("a")}, more)
}

// isNoCrash fails on anything that a person would call a crash.
func (o outcome) isNoCrash(t *testing.T) {
	t.Helper()
	for _, sign := range []string{"goroutine ", "panic", ".go:"} {
		if strings.Contains(o.stderr, sign) {
			t.Errorf("stderr looks like a crash:\n%s", o.stderr)
		}
	}
}

// launchWithInput runs the built program to its end, which must be a good one, with something on standard input.
func launchWithInput(t *testing.T, settings []string, input string, args ...string) {
	t.Helper()
	program, err := binary()
	if err != nil {
		t.Fatalf("build: %v", err)
	}
	for _, args := range [][]string{{"migrate"}, args} {
		cmd := exec.Command(program.path, args...)
		cmd.Dir, cmd.Env, cmd.Stdin = t.TempDir(), append([]string{"PATH=" + os.Getenv("PATH")}, settings...), strings.NewReader(input)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
}
