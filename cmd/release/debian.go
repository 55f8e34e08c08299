package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/goreleaser/nfpm/v2"
	"github.com/goreleaser/nfpm/v2/deb"
	"github.com/goreleaser/nfpm/v2/files"
)

const maintainer = "The Latchkey authors <latchkey@latchkey.invalid>"

// writeDebian writes a package for Debian and its relatives: the server with its unit, its settings in /etc/latchkey, the man page,
// completions and samples.
func (r *release) writeDebian(arch, binary string, licences []byte) error {
	const doc = "/usr/share/doc/latchkey/"
	manual, err := r.part("", "latchkey.1").read()
	if err != nil {
		return err
	}
	contents := []packed{
		r.programFile("/usr/bin/latchkey", binary),
		r.programFile("/usr/sbin/latchkey-admin", r.part("", "latchkey-admin").from),
		r.part("/usr/lib/systemd/system/latchkey.service", "latchkey.service"),
		r.part("/usr/share/bash-completion/completions/latchkey", "latchkey.bash"),
		r.part("/usr/share/zsh/vendor-completions/_latchkey", "_latchkey"),
		r.part("/usr/share/fish/vendor_completions.d/latchkey.fish", "latchkey.fish"),
		r.part("/usr/share/lintian/overrides/latchkey", "lintian-overrides"),
		r.part(doc+"copyright", "copyright"),
		r.file(doc+"CHANGELOG.md", "CHANGELOG.md"),
		r.file(doc+"OPERATIONS.md", "OPERATIONS.md"),
		r.file(doc+"SECURITY.md", "SECURITY.md"),
	}
	for _, sample := range []string{"nginx.conf", "Caddyfile", "Dockerfile", "compose.yaml"} {
		contents = append(contents, r.part(doc+"examples/"+sample, sample))
	}
	for _, f := range []packed{
		{name: doc + "changelog.gz", text: r.debianChangelog()}, {name: doc + "LICENSES.txt.gz", text: licences},
		{name: "/usr/share/man/man1/latchkey.1.gz", text: manual}, {name: "/usr/share/man/man8/latchkey-admin.8.gz", text: []byte(".so man1/latchkey.1\n")},
	} {
		if f.text, err = squeeze(f.text); err != nil {
			return err
		}
		f.mode = 0o644
		contents = append(contents, f)
	}
	info, err := r.debianInfo(arch, contents)
	if err != nil {
		return err
	}
	file, err := os.Create(r.path("%s.deb", arch))
	if err != nil {
		return err
	}
	if err := deb.Default.Package(info, file); err != nil {
		_ = file.Close()
		return err
	}
	return file.Close()
}

func (r *release) debianInfo(arch string, contents []packed) (*nfpm.Info, error) {
	stage := filepath.Join(r.work, arch, "debian")
	if err := os.MkdirAll(stage, 0o755); err != nil {
		return nil, err
	}
	parts := filepath.Join(r.root, "cmd", "release", "files")
	info := &nfpm.Info{
		Name: "latchkey", Arch: arch, Platform: "linux", Version: debianVersion(r.version), VersionSchema: "none", MTime: r.stamp(),
		Section: "net", Priority: "optional", Maintainer: maintainer, DisableGlobbing: true,
		Description: "self-hosted sign-in server\n" +
			"People sign in with a password or a passkey, in the browser or in an app,\n" +
			"and see and sign out their devices. Latchkey is one program with an\n" +
			"embedded SQLite database, or any number of replicas on PostgreSQL.",
		Overridables: nfpm.Overridables{
			Depends: []string{"adduser"}, Recommends: []string{"ca-certificates"}, Suggests: []string{"nginx | caddy", "postgresql"},
			Scripts: nfpm.Scripts{PostInstall: filepath.Join(parts, "postinst"), PreRemove: filepath.Join(parts, "prerm"), PostRemove: filepath.Join(parts, "postrm")},
			Deb:     nfpm.Deb{Compression: "gzip"},
		},
	}
	info.Contents = files.Contents{
		r.content("/etc/latchkey/latchkey.env", filepath.Join(parts, "latchkey.env"), files.TypeConfigNoReplace, 0o640),
		r.content("/etc/latchkey", "", files.TypeDir, 0o755),
		r.content("/etc/latchkey/credentials", "", files.TypeDir, 0o700),
		r.content("/var/lib/latchkey", "", files.TypeDir, 0o700),
	}
	for i, f := range contents {
		from := f.from
		if from == "" {
			from = filepath.Join(stage, fmt.Sprint(i))
			if err := os.WriteFile(from, f.text, 0o600); err != nil {
				return nil, err
			}
		}
		info.Contents = append(info.Contents, r.content(f.name, from, files.TypeFile, fs.FileMode(f.mode)))
	}
	return info, nfpm.PrepareForPackager(info, "deb")
}

func (r *release) content(name, from, kind string, mode fs.FileMode) *files.Content {
	return &files.Content{Destination: name, Source: from, Type: kind, FileInfo: &files.ContentFileInfo{Owner: "root", Group: "root", Mode: mode, MTime: r.stamp()}}
}

// debianVersion sorts 0.2.1-0.2026… and 0.2.1-rc.1 before 0.2.1, as the Go command does. A hyphen would begin Debian's own revision.
func debianVersion(version string) string {
	version = strings.Replace(version, "-", "~", 1)
	return strings.ReplaceAll(version, "-", ".")
}

// debianChangelog is the one entry that Debian's tools expect; CHANGELOG.md beside it is the real one.
func (r *release) debianChangelog() []byte {
	return fmt.Appendf(nil, "latchkey (%s) unstable; urgency=medium\n\n  * Built from %.12s; see CHANGELOG.md.\n\n -- %s  %s\n",
		debianVersion(r.version), r.commit, maintainer, r.date.Format("Mon, 02 Jan 2006 15:04:05 -0700"))
}
