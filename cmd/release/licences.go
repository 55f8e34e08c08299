package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
)

var licenceName = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice)(\W.*)?$`)

// licences puts the licences of everything in the binary into one text: they ask to come with it.
func (r *release) licences(info *debug.BuildInfo) ([]byte, error) {
	var text bytes.Buffer
	fmt.Fprintf(&text, "Latchkey %s contains what is listed here, under these licences.\n", r.version)
	goroot, err := r.command("go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	if err := addLicences(&text, "The Go runtime and standard library ("+info.GoVersion+")", strings.TrimSpace(string(goroot))); err != nil {
		return nil, err
	}
	modules, err := r.modules(info)
	if err != nil {
		return nil, err
	}
	for _, m := range modules {
		if err := addLicences(&text, m.Path+" "+m.Version, m.Dir); err != nil {
			return nil, err
		}
	}
	for _, file := range []string{"static/LICENSE-pico.md", "views/LICENSE-lucide.txt", "auth/password/common.LICENSE.txt", "models/confusables.LICENSE.txt"} {
		if err := addLicence(&text, file, filepath.Join(r.root, file)); err != nil {
			return nil, err
		}
	}
	return text.Bytes(), nil
}

type downloaded struct{ Path, Version, Dir, Error string }

// modules are those in the binary, with the folders that the go command has them in.
func (r *release) modules(info *debug.BuildInfo) (all []downloaded, err error) {
	args := []string{"mod", "download", "-json"}
	for _, m := range info.Deps {
		if m.Replace != nil {
			return nil, fmt.Errorf("%s is replaced: a release is made of published modules", m.Path)
		}
		args = append(args, m.Path+"@"+m.Version)
	}
	list, err := r.command("go", args...)
	if err != nil {
		return nil, err
	}
	for decoder := json.NewDecoder(bytes.NewReader(list)); ; {
		var m downloaded
		if err := decoder.Decode(&m); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
}

// addLicences adds the licence files at the top of a folder, at least one.
func addLicences(text *bytes.Buffer, of, folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	found := false
	for _, e := range entries {
		if e.IsDir() || !licenceName.MatchString(e.Name()) {
			continue
		}
		found = true
		if err := addLicence(text, of+", "+e.Name(), filepath.Join(folder, e.Name())); err != nil {
			return err
		}
	}
	if !found {
		return fmt.Errorf("%s has no licence in %s", of, folder)
	}
	return nil
}

func addLicence(text *bytes.Buffer, title, file string) error {
	licence, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	fmt.Fprintf(text, "\n%s\n%s\n\n%s\n", title, strings.Repeat("=", len(title)), bytes.TrimSpace(licence))
	return nil
}

// command runs a program in the checkout and returns what it prints.
func (r *release) command(name string, args ...string) ([]byte, error) {
	command := exec.Command(name, args...)
	command.Dir, command.Stderr = r.root, os.Stderr
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", name, args[0], err)
	}
	return out, nil
}
