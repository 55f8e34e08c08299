package main

import (
	"crypto/sha256"
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestTheDebianPackageServes(t *testing.T) {
	r, root, state := built(t), t.TempDir(), t.TempDir()
	if out, err := exec.Command(tool(t, "dpkg-deb"), "--extract", r.path("amd64.deb"), root).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	unit := string(read(t, root, "usr/lib/systemd/system/latchkey.service"))
	command := strings.Fields(regexp.MustCompile(`(?m)^ExecStart=(.*)$`).FindStringSubmatch(unit)[1])
	credentials, secret := t.TempDir(), sha256.Sum256([]byte("a"))
	if err := os.WriteFile(filepath.Join(credentials, "latchkey_secret"), []byte(base64.StdEncoding.EncodeToString(secret[:])+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	i := installed{root: root, program: command[0], serve: command[1:], folder: state, env: []string{
		"LATCHKEY_ADDR=" + freeAddress(t), "LATCHKEY_DATABASE=sqlite:" + filepath.Join(state, "latchkey.db"), "CREDENTIALS_DIRECTORY=" + credentials,
	}}
	socket := filepath.Join(t.TempDir(), "notify")
	i.servesAndSignsIn(t, socket, socket)
	if _, err := os.Stat(filepath.Join(state, "secret")); !os.IsNotExist(err) {
		t.Errorf("the credential was not used: %v", err)
	}
}

func TestDebianPackagesAreAsTheyShouldBe(t *testing.T) {
	r := built(t)
	for _, arch := range architectures {
		deb := r.path("%s.deb", arch)
		fields, err := exec.Command(tool(t, "dpkg-deb"), "--field", deb, "Package", "Architecture", "Version").CombinedOutput()
		if want := "Package: latchkey\nArchitecture: " + arch + "\nVersion: " + debianVersion(r.version) + "\n"; err != nil || string(fields) != want {
			t.Errorf("%v: %s, want %s", err, fields, want)
		}
		contents, err := exec.Command("dpkg-deb", "--contents", deb).CombinedOutput()
		for _, want := range []string{`drwx------ root/root .* \./etc/latchkey/credentials/`, `-rw-r----- root/root .* \./etc/latchkey/latchkey\.env`, `drwx------ root/root .* \./var/lib/latchkey/`,
			`-rwxr-xr-x root/root .* \./usr/bin/latchkey`, `-rwxr-xr-x root/root .* \./usr/sbin/latchkey-admin`, `\./usr/share/man/man1/latchkey\.1\.gz`,
			`\./usr/share/bash-completion/completions/latchkey`, `\./usr/share/zsh/vendor-completions/_latchkey`, `\./usr/share/fish/vendor_completions\.d/latchkey\.fish`} {
			if err != nil || !regexp.MustCompile(`(?m)`+want+`$`).Match(contents) {
				t.Errorf("%s has no %s (%v)", arch, want, err)
			}
		}
		lint := exec.Command(tool(t, "lintian"), "--no-cfg", "--allow-root", "--tag-display-limit", "0", "--fail-on", "error", deb)
		if out, err := lint.CombinedOutput(); err != nil {
			t.Errorf("lintian: %v: %s", err, out)
		}
	}
	conffiles, err := exec.Command("dpkg-deb", "--info", r.path("amd64.deb"), "conffiles").CombinedOutput()
	if err != nil || string(conffiles) != "/etc/latchkey/latchkey.env\n" {
		t.Errorf("conffiles: %v: %q", err, conffiles)
	}
}

func TestScriptsOfThePackageAreShell(t *testing.T) {
	for _, script := range []string{"postinst", "prerm", "postrm", "latchkey-admin"} {
		path := filepath.Join("files", script)
		if out, err := exec.Command("sh", "-n", path).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", script, err, out)
		}
		if text := string(read(t, path)); !strings.HasPrefix(text, "#!/bin/sh\n") || !strings.Contains(text, "\nset -e") {
			t.Errorf("%s does not stop at an error", script)
		}
	}
}

func TestTheUnitIsHardened(t *testing.T) {
	analyze := tool(t, "systemd-analyze")
	if out, err := exec.Command(analyze, "security", "--no-pager", "--offline=true", "--threshold=20", "files/latchkey.service").CombinedOutput(); err != nil {
		t.Errorf("an exposure over 2.0: %s", out)
	}
	// verify wants the program to be there.
	program := filepath.Join(t.TempDir(), "latchkey")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), "latchkey.service")
	text := strings.ReplaceAll(string(read(t, "files/latchkey.service")), "/usr/bin/latchkey", program)
	if err := os.WriteFile(unit, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(analyze, "verify", "--man=no", "--recursive-errors=no", unit).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v: %s", err, out)
	}
}
