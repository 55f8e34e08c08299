package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// lines writes the events of one package "p": "pass T/sub", "output T: text", or "pass" for the package.
func lines(t *testing.T, script string) string {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(script) {
		action, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if action == "" {
			continue
		}
		if action == "raw" {
			b.WriteString(rest + "\n")
			continue
		}
		test, text, _ := strings.Cut(rest, ": ")
		b.WriteString(`{"Action":"` + action + `","Package":"p","ImportPath":"p","Test":"` + test + `","Output":"` + text + `\n"}` + "\n")
	}
	return b.String()
}

func TestCounts(t *testing.T) {
	for name, test := range map[string]struct {
		script string
		want   counts
	}{
		"nothing at all":       {"", counts{}},
		"a package of no test": {"skip", counts{}},
		"a test each": {`run A
			pass A
			run B
			fail B
			run C
			skip C
			fail`, counts{1, 1, 1}},
		"a table counts its cases, not itself": {`run A
			run A/one
			pass A/one
			run A/two
			pass A/two
			pass A
			pass`, counts{2, 0, 0}},
		"a failed case is one failure": {`run A
			run A/one
			run A/one/deep
			fail A/one/deep
			fail A/one
			run A/two
			pass A/two
			fail A
			fail`, counts{1, 1, 0}},
		"a parent that fails by itself is one more": {`run A
			run A/one
			pass A/one
			fail A
			fail`, counts{1, 1, 0}},
		"a package that fails by itself is one": {"fail", counts{0, 1, 0}},
		"a test that never ended is one": {`run A
			pass A
			run B
			output B: panic: test timed out after 1s
			fail`, counts{1, 1, 0}},
		"a skipped case": {`run A
			run A/one
			skip A/one
			pass A
			pass`, counts{0, 0, 1}},
		"a failure is not undone by a second run": {`run A
			fail A
			run A
			pass A
			fail`, counts{0, 1, 0}},
		"a slash in the name of a case": {`run A
			run A/and/or
			pass A/and/or
			pass A
			pass`, counts{1, 0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := report(strings.NewReader(lines(t, test.script)), new(strings.Builder))
			if got != test.want || err != nil {
				t.Errorf("report = %v, %v; want %v", got, err, test.want)
			}
		})
	}
}

func TestWhatIsPrinted(t *testing.T) {
	script := `raw go: downloading something
		build-output : p/x.go:1:1: syntax error
		run A
		output A: === RUN   A
		output A: a quiet line
		pass A
		run B
		output B: === RUN   B
		output B: b_test.go:7: it broke
		fail B
		run C
		output C: c_test.go:9: needs a server
		skip C
		run D
		output D: goroutine 1 [running]
		output : FAIL
		output : exit status 2
		fail`
	const want = `go: downloading something
p/x.go:1:1: syntax error
b_test.go:7: it broke
c_test.go:9: needs a server
goroutine 1 [running]
FAIL
exit status 2
`
	var out strings.Builder
	if _, err := report(strings.NewReader(lines(t, script)), &out); err != nil || out.String() != want {
		t.Errorf("printed, with %v:\n%s\nwant:\n%s", err, out.String(), want)
	}
}

func TestOnlyTheVerdictOfAPackageThatPassed(t *testing.T) {
	const events = `{"Action":"output","Package":"p","Output":"some log\n"}
{"Action":"output","Package":"p","Output":"PASS\n"}
{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}
{"Action":"pass","Package":"p"}
`
	var out strings.Builder
	if _, err := report(strings.NewReader(events), &out); err != nil || out.String() != "ok  \tp\t0.1s\n" {
		t.Errorf("printed %q, %v", out.String(), err)
	}
}

// The exit code is what a build server looks at, so it is tried with the real `go test`.
func TestExitCode(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a package for each case")
	}
	for name, test := range map[string]struct {
		body, ends string
		code       int
	}{
		"a passing test":        {"func TestA(t *testing.T) {}", "1 passed, 0 failed, 0 skipped\n", 0},
		"a failing test":        {"func TestA(t *testing.T) { t.Error() }", "0 passed, 1 failed, 0 skipped\n", 1},
		"only a skipped test":   {"func TestA(t *testing.T) { t.Skip() }", "0 passed, 0 failed, 1 skipped\n", 1},
		"no test":               {"var _ testing.TB", "0 passed, 0 failed, 0 skipped\n", 1},
		"what does not build":   {"func TestA(t *testing.T) { undefined() }", "0 passed, 1 failed, 0 skipped\n", 1},
		"a panic":               {"func TestA(t *testing.T) { panic(1) }", "0 passed, 1 failed, 0 skipped\n", 1},
		"an exit in mid-flight": {"func TestA(t *testing.T) { os.Exit(0) }", "0 passed, 1 failed, 0 skipped\n", 1},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			source := "package sample\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nvar _ = os.Exit\n\n" + test.body + "\n"
			for file, text := range map[string]string{"go.mod": "module sample\n", "a_test.go": source} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			t.Chdir(dir)
			var out, errs strings.Builder
			code := run([]string{"./..."}, &out, &errs)
			if code != test.code || !strings.HasSuffix("\n"+out.String(), "\n"+test.ends) {
				t.Errorf("exit code %d, want %d; output:\n%s\n%s", code, test.code, out.String(), errs.String())
			}
		})
	}
}
