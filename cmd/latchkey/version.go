package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

type versionCommand struct{}

// Run prints the version.
func (c *versionCommand) Run(env *environment) error {
	b := readBuild()
	fmt.Fprintf(env.stdout, "latchkey %s (commit %s, %s) %s %s/%s\n", b.Version, b.Commit, b.Date, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}

// build is what this binary was built from. The go command writes it into every binary that it builds in a checkout.
type build struct {
	Version string // the tag, v0.2.0; after it a pseudo-version, v0.2.1-0.20261129200236-fc4358a1b2c3; "development" where none is known
	Commit  string // 12 digits, and "+changes" where files were changed; "unknown" outside of a checkout
	Date    string // of the commit, RFC 3339 in UTC; "unknown" as above
}

func readBuild() build {
	b := build{"development", "unknown", "unknown"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		b.Version = info.Main.Version
	}
	for _, s := range info.Settings { // vcs.modified comes after vcs.revision
		switch {
		case s.Key == "vcs.revision":
			b.Commit = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.time":
			b.Date = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			b.Commit += "+changes"
		}
	}
	return b
}
