// Command testcount runs `go test -json` with its own arguments, prints what `go test` would print,
// and ends with a line of counts such as
//
//	812 passed, 0 failed, 3 skipped
//
// Counted are leaves: tests, examples and subtests without subtests of their own, so that a table of
// twenty cases is twenty. What fails outside of any leaf (a parent's own check, a package that does
// not build, a panic, a timeout) is one failure. The exit code is 0 only when nothing failed and
// something passed: a run of no tests at all is no evidence.
package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout, stderr io.Writer) int {
	tests := exec.Command("go", append([]string{"test", "-json"}, args...)...) //nolint:gosec // the developer's own arguments
	tests.Stderr = stderr
	events, err := tests.StdoutPipe()
	if err != nil {
		return complain(stderr, err)
	}
	if err := tests.Start(); err != nil {
		return complain(stderr, err)
	}
	counts, readErr := report(events, stdout)
	runErr := tests.Wait() // its exit code may know of failures that no event told
	_, _ = fmt.Fprintln(stdout, counts)
	switch {
	case readErr != nil:
		return complain(stderr, readErr)
	case counts.failed == 0 && runErr != nil:
		return complain(stderr, runErr)
	case counts.failed == 0 && counts.passed == 0:
		return complain(stderr, fmt.Errorf("no test passed"))
	case counts.failed > 0:
		return 1
	}
	return 0
}

func complain(stderr io.Writer, err error) int {
	_, _ = fmt.Fprintln(stderr, "testcount:", err)
	return 1
}
