package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"debug/buildinfo"
	"debug/elf"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

var cleanUp []string

func TestMain(m *testing.M) {
	code := m.Run()
	for _, folder := range cleanUp {
		_ = os.RemoveAll(folder)
	}
	os.Exit(code)
}

func build() (*release, error) {
	out, err := os.MkdirTemp("", "latchkey-release-test-")
	if err != nil {
		return nil, err
	}
	cleanUp = append(cleanUp, out)
	r, err := newRelease("../..", out)
	if err != nil {
		return nil, err
	}
	return r, r.run()
}

var buildOnce = sync.OnceValues(build)

// built is a release of the last commit, made once for all tests.
func built(t *testing.T) *release {
	t.Helper()
	r, err := buildOnce()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The second run is by another account's habits: other rights of new files, another time zone, another folder.
func TestTwoRunsGiveTheSameBytes(t *testing.T) {
	first := built(t)
	mask, zone := syscall.Umask(0o077), time.Local
	time.Local = time.FixedZone("elsewhere", 5*3600)
	t.Setenv("TZ", "Asia/Tokyo")
	t.Setenv("TMPDIR", t.TempDir())
	t.Setenv("LC_ALL", "tr_TR.UTF-8")
	second, err := build()
	syscall.Umask(mask)
	time.Local = zone
	if err != nil {
		t.Fatal(err)
	}
	names := fileNames(t, first.out)
	if others := fileNames(t, second.out); !slices.Equal(names, others) || len(names) != 8 {
		t.Fatalf("files: %q and %q", names, others)
	}
	for _, name := range names {
		if !bytes.Equal(read(t, first.out, name), read(t, second.out, name)) {
			t.Errorf("%s differs", name)
		}
	}
}

func TestTheChecksumsAreThoseOfTheFiles(t *testing.T) {
	r := built(t)
	check := exec.Command("sha256sum", "--check", "--strict", "SHA256SUMS")
	check.Dir = r.out
	out, err := check.CombinedOutput()
	if err != nil || strings.Count(string(out), ": OK\n") != len(fileNames(t, r.out))-1 {
		t.Errorf("%v: %s", err, out)
	}
}

func TestArchivesHoldAStaticServerWithItsDocuments(t *testing.T) {
	r := built(t)
	for _, arch := range architectures {
		name := "linux_" + arch + ".tar.gz"
		files := unpack(t, read(t, r.path("%s", name)))
		folder := "latchkey_" + r.version + "_linux_" + arch + "/"
		for _, want := range []string{"LICENSES.txt", "LICENSE", "OPERATIONS.md", "README.md", "SECURITY.md", "CHANGELOG.md", "share/latchkey.1", "share/latchkey.bash", "share/_latchkey",
			"share/latchkey.fish", "examples/latchkey.service", "examples/latchkey.env", "examples/nginx.conf", "examples/Caddyfile", "examples/Dockerfile", "examples/compose.yaml"} {
			if len(files[folder+want]) == 0 {
				t.Errorf("%s has no %s", name, want)
			}
		}
		if licences := string(files[folder+"LICENSES.txt"]); !strings.Contains(licences, "modernc.org/sqlite") || !strings.Contains(licences, "The Go Authors") || !strings.Contains(licences, "Lucide") {
			t.Errorf("%s: licences are missing", name)
		}
		isStatic(t, arch, files[folder+"latchkey"])
	}
}

// isStatic checks that a program is for one architecture and asks for no library and no loader.
func isStatic(t *testing.T, arch string, program []byte) {
	t.Helper()
	file, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		t.Fatal(err)
	}
	libraries, err := file.ImportedLibraries()
	if want := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[arch]; err != nil || file.Machine != want || len(libraries) > 0 || file.Section(".interp") != nil || file.Section(".symtab") != nil {
		t.Errorf("%s: %v, libraries %q, loader %v, symbols %v, %v", arch, file.Machine, libraries, file.Section(".interp") != nil, file.Section(".symtab") != nil, err)
	}
	info, err := buildinfo.Read(bytes.NewReader(program))
	if err != nil {
		t.Fatal(err)
	}
	for _, stranger := range []string{"nfpm", "go-containerregistry", "cyclonedx"} {
		if slices.ContainsFunc(info.Deps, func(m *debug.Module) bool { return strings.Contains(m.Path, stranger) }) {
			t.Errorf("%s is in the server", stranger)
		}
	}
}

func TestTheServerTellsItsVersion(t *testing.T) {
	r := built(t)
	program := filepath.Join(t.TempDir(), "latchkey")
	folder := fmt.Sprintf("latchkey_%s_linux_amd64/", r.version)
	if err := os.WriteFile(program, unpack(t, read(t, r.path("linux_amd64.tar.gz")))[folder+"latchkey"], 0o700); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(program, "version").CombinedOutput()
	want := fmt.Sprintf("latchkey v%s (commit %.12s, %s) go", r.version, r.commit, r.date.Format(time.RFC3339))
	if err != nil || !strings.HasPrefix(string(out), want) {
		t.Errorf("%v: %s, want %s…", err, out, want)
	}
	if head, err := exec.Command("git", "rev-parse", "HEAD").Output(); err != nil || strings.TrimSpace(string(head)) != r.commit {
		t.Errorf("the commit is %s, not %s (%v)", r.commit, head, err)
	}
}

func TestBillsNameEveryModule(t *testing.T) {
	r := built(t)
	for _, arch := range architectures {
		var bill cdx.BOM
		if err := cdx.NewBOMDecoder(bytes.NewReader(read(t, r.path("linux_%s.cdx.json", arch))), cdx.BOMFileFormatJSON).Decode(&bill); err != nil {
			t.Fatal(err)
		}
		if bill.Metadata.Component.Version != "v"+r.version || len(*bill.Metadata.Component.Hashes) != 1 || bill.SpecVersion != cdx.SpecVersion1_6 {
			t.Errorf("%s: %+v", arch, bill.Metadata.Component)
		}
		for _, start := range []string{"pkg:golang/modernc.org/sqlite@v", "pkg:golang/github.com/jackc/pgx/v5@v", "pkg:golang/stdlib@1.", "pkg:npm/%40picocss/pico@2."} {
			if !slices.ContainsFunc(*bill.Components, func(c cdx.Component) bool { return strings.HasPrefix(c.PackageURL, start) }) {
				t.Errorf("%s: no %s…", arch, start)
			}
		}
	}
}

func TestDebianSortsVersionsAsGoDoes(t *testing.T) {
	for _, pair := range [][2]string{{"0.2.1-0.20261129200236-fc4358a1b2c3", "0.2.1"}, {"0.2.0", "0.2.1-rc.1"}, {"0.2.1-rc.1", "0.2.1"}, {"0.2.1-rc.1", "0.2.1-rc.2"}, {"0.2.1", "0.2.2-0.20261129200236-fc4358a1b2c3"}} {
		older, newer := debianVersion(pair[0]), debianVersion(pair[1])
		if err := exec.Command("dpkg", "--compare-versions", older, "lt", newer).Run(); err != nil {
			t.Errorf("%s is not older than %s", older, newer)
		}
	}
}

func fileNames(t *testing.T, folder string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func read(t *testing.T, path ...string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// unpack reads a .tar.gz and checks that nothing in it is of this machine.
func unpack(t *testing.T, archive []byte) map[string][]byte {
	t.Helper()
	stream, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	files, r := map[string][]byte{}, tar.NewReader(stream)
	for {
		h, err := r.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Uid != 0 || h.Gid != 0 || h.Uname != "root" || !h.ModTime.Equal(built(t).date) {
			t.Errorf("%s: of %d %q, %s", h.Name, h.Uid, h.Uname, h.ModTime)
		}
		if files[h.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}
