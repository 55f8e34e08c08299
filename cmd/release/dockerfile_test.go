package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// buildahRun runs buildah with a store of the test's own. It needs no daemon, and with chroot isolation nothing but root.
func buildahRun(t *testing.T, store string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "buildah", append([]string{"--storage-driver", "vfs", "--root", store + "/storage", "--runroot", store + "/run"}, args...)...)
	var said strings.Builder
	command.Stderr = &said
	out, err := command.Output()
	if err != nil {
		t.Fatalf("buildah %s: %v: %s", strings.Join(args, " "), err, said.String())
	}
	return strings.TrimSpace(string(out))
}

// goImage makes an image with this machine's Go, for the one that the Dockerfile names: nothing is pulled.
func goImage(t *testing.T, store string) {
	t.Helper()
	root := filepath.Join(store, "go")
	sh := exec.CommandContext(t.Context(), "sh", "-euc", `
		mkdir -p "$0/bin" "$0/etc/ssl/certs" "$0/tmp" "$0/usr/local/go"
		for program in /bin/sh /bin/mkdir; do
			cp -L $program "$0$program"
			for library in $(ldd $program | grep -o '/[^ ]*'); do mkdir -p "$0$(dirname $library)"; cp -L $library "$0$library"; done
		done
		cp /etc/ssl/certs/ca-certificates.crt "$0/etc/ssl/certs/"
		cd "$(go env GOROOT)"; cp -a bin pkg src VERSION go.env "$0/usr/local/go/"`, root)
	if out, err := sh.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	file := filepath.Join(store, "Dockerfile")
	if err := os.WriteFile(file, []byte("FROM scratch\nCOPY . /\nENV PATH=/usr/local/go/bin:/bin GOTOOLCHAIN=local GOMODCACHE=/modules GOCACHE=/cache GOPROXY=off\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	buildahRun(t, store, "bud", "--quiet", "--isolation", "chroot", "--file", file, "--tag", "docker.io/library/golang:1.26", root)
}

// The Dockerfile builds with the images of this machine in the place of those that it names, and what it builds serves as its user, with no more
// than is in it.
func TestTheDockerfileBuildsWhatServes(t *testing.T) {
	if os.Getenv("LATCHKEY_SOAK") == "" {
		t.Skip("takes minutes: make check-long")
	}
	if os.Geteuid() != 0 {
		t.Skip("another root folder needs root")
	}
	tool(t, "buildah")
	store := t.TempDir()
	if err := os.Chmod(store, 0o755); err != nil {
		t.Fatal(err)
	}
	goImage(t, store)
	var mounts []string
	for variable, inside := range map[string]string{"GOMODCACHE": "/modules", "GOCACHE": "/cache"} {
		path, err := exec.CommandContext(t.Context(), "go", "env", variable).Output()
		if err != nil {
			t.Fatal(err)
		}
		mounts = append(mounts, "--volume", strings.TrimSpace(string(path))+":"+inside)
	}
	buildahRun(t, store, slices.Concat([]string{"bud", "--quiet", "--isolation", "chroot", "--pull-never", "--format", "docker"}, mounts, []string{"--file", "files/Dockerfile", "--tag", "latchkey", "../.."})...)

	var image struct {
		Docker struct {
			Config struct {
				User, WorkingDir     string
				Entrypoint, Cmd, Env []string
				Healthcheck          struct{ Test []string }
			} `json:"config"`
		}
	}
	if err := json.Unmarshal([]byte(buildahRun(t, store, "inspect", "--type", "image", "latchkey")), &image); err != nil {
		t.Fatal(err)
	}
	config := image.Docker.Config
	if config.User != "65532:65532" || strings.Join(config.Healthcheck.Test, " ") != "CMD "+config.Entrypoint[0]+" healthcheck" {
		t.Errorf("%+v", config)
	}
	root := t.TempDir()
	for at := root; at != "/"; at = filepath.Dir(at) { // the image's user goes through them
		if info, err := os.Stat(at); err == nil && info.Mode().Perm()&0o011 == 0 {
			_ = os.Chmod(at, 0o755)
		}
	}
	mounted := buildahRun(t, store, "mount", buildahRun(t, store, "from", "--pull-never", "latchkey"))
	copied := exec.CommandContext(t.Context(), "cp", "-a", mounted+"/.", root)
	if out, err := copied.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for path, want := range map[string]struct {
		mode  os.FileMode
		owner uint32
	}{"tmp": {fs.ModeDir | fs.ModeSticky | 0o777, 0}, "var/lib": {fs.ModeDir | 0o755, 0}, imageFolder: {fs.ModeDir | 0o700, imageUser}, "usr/bin/latchkey": {0o755, 0}} {
		if info, err := os.Stat(filepath.Join(root, path)); err != nil || info.Mode() != want.mode || ownerOf(t, filepath.Join(root, path)) != want.owner {
			t.Errorf("%s: %v of %d, %v", path, info.Mode(), ownerOf(t, filepath.Join(root, path)), err)
		}
	}
	i := installed{
		root: root, program: config.Entrypoint[0], serve: config.Cmd, chroot: true, folder: config.WorkingDir, user: &syscall.Credential{Uid: imageUser, Gid: imageUser},
		env: append(config.Env, "LATCHKEY_ADDR="+freeAddress(t), "LATCHKEY_LOG=json"),
	}
	i.servesAndSignsIn(t, filepath.Join(root, "tmp", "notify"), "/tmp/notify")
}
