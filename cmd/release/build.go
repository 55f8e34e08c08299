package main

import (
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// clone makes a clean checkout of the last commit: changes that are not committed are in no release. It also is what the go command needs to
// find the version, which it does not in a git worktree.
func (r *release) clone() error {
	changes, err := r.command("git", "status", "--porcelain", "--untracked-files=no")
	if err != nil {
		return err
	}
	if len(changes) > 0 {
		fmt.Fprintln(os.Stderr, "release: changes that are not committed are left out")
	}
	clean := filepath.Join(r.work, "source")
	if _, err := r.command("git", "clone", "--quiet", r.root, clean); err != nil {
		return err
	}
	r.root = clean
	return nil
}

// build compiles the server for one architecture: static, without paths of this machine, and without the debugger's tables.
func (r *release) build(arch string) (binary string, err error) {
	binary = filepath.Join(r.work, arch, "latchkey")
	command := exec.Command("go", "build", "-trimpath", "-buildvcs=true", "-ldflags=-s -w", "-o", binary, "./cmd/latchkey")
	command.Dir, command.Stderr = r.root, os.Stderr
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch, "GOAMD64=v1", "GOARM64=v8.0", "GOFLAGS=", "GOWORK=off", "GOEXPERIMENT=")
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("go build: %w", err)
	}
	return binary, nil
}

// describe reads what the go command wrote into the binary: version, commit and its time, and the modules.
func (r *release) describe(binary string) (*debug.BuildInfo, error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			r.commit = s.Value
		case "vcs.time":
			if r.date, err = time.Parse(time.RFC3339, s.Value); err != nil {
				return nil, err
			}
		}
	}
	r.version = strings.TrimPrefix(info.Main.Version, "v")
	if r.commit == "" || r.version == "" || r.version == "(devel)" {
		return nil, errors.New("the binary does not name its commit: build in a checkout, with git")
	}
	if epoch := os.Getenv("SOURCE_DATE_EPOCH"); epoch != "" {
		seconds, err := strconv.ParseInt(epoch, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("SOURCE_DATE_EPOCH: %q is not a number of seconds", epoch)
		}
		r.date = time.Unix(seconds, 0)
	}
	r.date = r.date.UTC()
	return info, nil
}
