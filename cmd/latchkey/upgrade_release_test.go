package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// release is the program of one release, with the settings that it runs under.
type release struct {
	t        *testing.T
	path     string
	settings []string
	server   *child
}

// previousRelease is the program of the release before this one, built from the history of the repository. Without the history, as in an unpacked
// archive or a shallow clone, the test is skipped: unlike a program it cannot be installed.
func previousRelease(t *testing.T) (path, version string) {
	t.Helper()
	b, err := previousBinary()
	if err != nil && b.built {
		t.Fatalf("the previous release cannot be run: %v", err)
	}
	if err != nil {
		t.Skipf("the previous release was NOT run beside this one: %v", err)
	}
	return b.path, b.version
}

type previous struct {
	path, version string
	built         bool // or it was tried, because the history is there
}

// previousBinary builds it once for all tests of a run, beside the program of this release. The folder of the source is another one each time,
// and -trimpath keeps it out of the cache of builds.
var previousBinary = sync.OnceValues(func() (p previous, err error) {
	version, commit, err := releasedBefore()
	if err != nil {
		return p, err
	}
	p.version, p.built = version, true
	program, err := binary()
	if err != nil {
		return p, err
	}
	p.path = filepath.Join(filepath.Dir(program.path), "previous")
	source := p.path + "-source"
	archive, err := git("archive", commit)
	if err == nil {
		err = unpack(archive, source)
	}
	if err != nil {
		return p, err
	}
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-w", "-o", p.path, "./cmd/latchkey")
	build.Dir = source
	if out, err := build.CombinedOutput(); err != nil {
		return p, fmt.Errorf("build %s: %w: %s", version, err, out)
	}
	return p, os.RemoveAll(source)
})

// releasedBefore finds the latest version of CHANGELOG.md that is not this very commit, and its commit: by its tag or, in a clone without tags, as
// the commit that gave the unreleased part of CHANGELOG.md its version.
func releasedBefore() (version, commit string, err error) {
	head, err := git("rev-parse", "HEAD")
	if err != nil {
		return "", "", err
	}
	if shallow, err := git("rev-parse", "--is-shallow-repository"); err != nil || strings.TrimSpace(string(shallow)) != "false" {
		return "", "", errors.Join(errors.New("the history is not here: git fetch --unshallow"), err)
	}
	changes, err := os.ReadFile(filepath.Join(repoRoot, "CHANGELOG.md"))
	if err != nil {
		return "", "", err
	}
	for _, found := range regexp.MustCompile(`(?m)^## \[(v\d+\.\d+\.\d+)\]`).FindAllStringSubmatch(string(changes), -1) {
		version = found[1]
		of, err := git("rev-parse", "--verify", "--quiet", "refs/tags/"+version+"^{commit}")
		if err != nil {
			if of, err = git("log", "--format=%H", "--reverse", "-S## ["+version+"]", "--", "CHANGELOG.md"); err != nil {
				return "", "", err
			}
		}
		commit, _, _ = strings.Cut(string(of), "\n")
		switch commit {
		case "":
			return "", "", errors.New("the history has no commit of " + version)
		case strings.TrimSpace(string(head)):
			continue // it is being released
		}
		return version, commit, nil
	}
	return "", "", errors.New("CHANGELOG.md names no release before this one")
}

// git runs git at the top of the repository.
func git(args ...string) ([]byte, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = repoRoot
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		err = errors.New("git " + args[0] + ": " + err.Error() + ": " + strings.TrimSpace(said.String()))
	}
	return out, err
}

// unpack writes the folders and files of an archive.
func unpack(archive []byte, folder string) error {
	for r := tar.NewReader(bytes.NewReader(archive)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch path := filepath.Join(folder, h.Name); h.Typeflag {
		case tar.TypeDir:
			err = os.MkdirAll(path, 0o755)
		case tar.TypeReg:
			var body []byte
			if body, err = io.ReadAll(r); err == nil {
				err = os.WriteFile(path, body, 0o600)
			}
		}
		if err != nil {
			return err
		}
	}
}

func (r *release) start() {
	r.t.Helper()
	r.server = launchProgram(r.t, r.path, r.t.TempDir(), nil, r.settings, "serve")
	r.server.url(r.t)
}

func (r *release) url() string { return r.server.url(r.t) }

func (r *release) stop() {
	r.t.Helper()
	r.server.stop(r.t)
	if o := r.server.end(r.t, time.Minute); o.code != 0 {
		r.t.Errorf("exit %d: %s", o.code, o.stderr)
	}
}

// run runs a command to its end, which must be a good one.
func (r *release) run(stdin string, args ...string) string {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), r.path, args...)
	cmd.Env, cmd.Dir, cmd.Stdin = r.settings, r.t.TempDir(), strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("latchkey %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// refuses checks that the release does not start at a database that a later one has migrated, and returns the version of the schema that it knows.
func (r *release) refuses() (knows string) {
	r.t.Helper()
	o := launchProgram(r.t, r.path, r.t.TempDir(), nil, r.settings, "serve").end(r.t, time.Minute)
	o.refuses(r.t, 1, "newer than this program")
	found := regexp.MustCompile(`this program knows (\d+)`).FindStringSubmatch(o.stderr)
	if found == nil {
		r.t.Fatalf("the refusal names no version: %s", o.stderr)
	}
	return found[1]
}
