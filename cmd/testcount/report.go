package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// event is one line of `go test -json`; see `go doc test2json`.
type event struct {
	Action, Package, ImportPath, Test, Output string
}

type counts struct{ passed, failed, skipped int }

func (c counts) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", c.passed, c.failed, c.skipped)
}

// testName is a test of a package; an empty test is the package itself.
type testName struct{ pkg, test string }

// results gathers the events of a run.
type results struct {
	out     io.Writer
	output  map[testName][]string // not printed yet
	outcome map[testName]string   // pass, fail or skip
	parents map[testName]bool     // has subtests
	blamed  map[testName]bool     // a subtest failed or, for a package, a test
}

// report reads events until their end, prints failures, skipped tests and one line for each package to
// out, and returns the counts. What is not an event is printed as it is.
func report(events io.Reader, out io.Writer) (counts, error) {
	r := results{
		out:     out,
		output:  map[testName][]string{},
		outcome: map[testName]string{},
		parents: map[testName]bool{},
		blamed:  map[testName]bool{},
	}
	lines := bufio.NewReader(events)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			var e event
			if json.Unmarshal([]byte(line), &e) == nil && e.Action != "" {
				r.take(e)
			} else {
				r.print(line)
			}
		}
		if errors.Is(err, io.EOF) {
			return r.count(), nil
		}
		if err != nil {
			return r.count(), fmt.Errorf("read the events of go test: %w", err)
		}
	}
}

func (r *results) take(e event) {
	name := testName{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		r.print(e.Output)
	case "run":
		for _, parent := range parentsOf(name) {
			r.parents[parent] = true
		}
	case "output":
		if !isChatter(e.Output) {
			r.output[name] = append(r.output[name], e.Output)
		}
	case "pass", "fail", "skip":
		r.finish(name, e.Action)
	}
}

// finish prints what is worth reading of a test or package that ended. A package that failed also
// prints the output of the tests that never ended: a panic or a timeout is found there.
func (r *results) finish(name testName, outcome string) {
	if r.outcome[name] != "fail" { // with -count=2 a test ends twice
		r.outcome[name] = outcome
	}
	if outcome == "fail" {
		for _, parent := range parentsOf(name) {
			r.blamed[parent] = true
		}
	}
	switch {
	case name.test == "" && outcome == "fail":
		for open, lines := range r.output {
			if open.pkg == name.pkg && open.test != "" {
				r.print(lines...)
				delete(r.output, open)
			}
		}
		r.print(r.output[name]...)
	case name.test == "":
		for _, line := range r.output[name] {
			if isVerdict(line) {
				r.print(line)
			}
		}
	case outcome != "pass":
		r.print(r.output[name]...)
	}
	delete(r.output, name)
}

func (r *results) count() counts {
	var c counts
	for name, outcome := range r.outcome {
		leaf := name.test != "" && !r.parents[name]
		switch {
		case outcome == "fail" && (leaf || !r.blamed[name]):
			c.failed++
		case outcome == "pass" && leaf:
			c.passed++
		case outcome == "skip" && leaf:
			c.skipped++
		}
	}
	return c
}

func (r *results) print(lines ...string) {
	for _, line := range lines {
		_, _ = io.WriteString(r.out, line)
	}
}

// parentsOf returns the package of a test and every name that the test may be a subtest of.
func parentsOf(name testName) []testName {
	if name.test == "" {
		return nil
	}
	parents := []testName{{pkg: name.pkg}}
	for i, c := range name.test {
		if c == '/' {
			parents = append(parents, testName{name.pkg, name.test[:i]})
		}
	}
	return parents
}

// isChatter is what only `go test -v` prints.
func isChatter(line string) bool {
	for _, prefix := range []string{"=== RUN ", "=== PAUSE ", "=== CONT ", "=== NAME "} {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return false
}

// isVerdict is the line of a package: "ok  	latchkey/auth	0.2s".
func isVerdict(line string) bool {
	return strings.HasPrefix(line, "ok  \t") || strings.HasPrefix(line, "?   \t") ||
		strings.HasPrefix(line, "FAIL\t") || strings.HasPrefix(line, "\t")
}
