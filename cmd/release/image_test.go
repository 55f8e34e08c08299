package main

import (
	"archive/tar"
	"bytes"
	"crypto/x509"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// images reads the archive as an engine does: the layout, its one index, and in it an image for each architecture.
func images(t *testing.T) map[string]v1.Image {
	t.Helper()
	r, folder := built(t), t.TempDir()
	extract(t, bytes.NewReader(read(t, r.path("oci.tar"))), folder)
	if got := string(read(t, folder, "oci-layout")); !strings.Contains(got, `"imageLayoutVersion"`) || !strings.Contains(got, "1.0.0") {
		t.Errorf("oci-layout: %s", got)
	}
	top, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		t.Fatal(err)
	}
	list, err := top.IndexManifest()
	if err != nil || len(list.Manifests) != 1 || list.Manifests[0].MediaType != types.OCIImageIndex || list.Manifests[0].Annotations["org.opencontainers.image.ref.name"] != "latchkey:"+r.version {
		t.Fatalf("index.json: %+v, %v", list, err)
	}
	index, err := top.ImageIndex(list.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
	platforms, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]v1.Image{}
	for _, m := range platforms.Manifests {
		if found[m.Platform.Architecture], err = index.Image(m.Digest); err != nil || m.Platform.OS != "linux" || m.MediaType != types.OCIManifestSchema1 {
			t.Errorf("%+v, %v", m, err)
		}
	}
	return found
}

func TestTheImageServesWithoutRoot(t *testing.T) {
	image := images(t)["amd64"]
	root := t.TempDir()
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	stream := mutate.Extract(image)
	defer stream.Close()
	extract(t, stream, root)
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	i := installed{root: root, program: config.Config.Entrypoint[0], serve: config.Config.Cmd, env: append(config.Config.Env, "LATCHKEY_ADDR="+freeAddress(t), "LATCHKEY_LOG=json")}
	if os.Geteuid() == 0 { // as an engine: nothing but the image, and its user
		i.chroot, i.folder = true, config.Config.WorkingDir
		i.user = &syscall.Credential{Uid: imageUser, Gid: imageUser}
		i.servesAndSignsIn(t, filepath.Join(root, "tmp", "notify"), "/tmp/notify")
		if owner := ownerOf(t, filepath.Join(root, imageFolder, "data", "latchkey.db")); owner != imageUser {
			t.Errorf("the database belongs to %d", owner)
		}
		return
	}
	t.Log("without root: not in the image's own root, and not as its user")
	i.folder = t.TempDir()
	socket := filepath.Join(t.TempDir(), "notify")
	i.servesAndSignsIn(t, socket, socket)
}

func ownerOf(t *testing.T, path string) uint32 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Uid
}

func TestTheImageIsForTwoPlatformsAndAsTheDockerfileSays(t *testing.T) {
	all := images(t)
	if len(all) != len(architectures) {
		t.Fatalf("%d platforms", len(all))
	}
	var configs []v1.Config
	for _, arch := range architectures {
		config, err := all[arch].ConfigFile()
		if err != nil || config.Architecture != arch || config.OS != "linux" {
			t.Fatalf("%s: %+v, %v", arch, config, err)
		}
		configs = append(configs, config.Config)
		files := map[string][]byte{}
		stream := mutate.Extract(all[arch])
		for r := tar.NewReader(stream); ; {
			h, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			files[strings.TrimSuffix(h.Name, "/")], _ = io.ReadAll(r)
		}
		stream.Close()
		isStatic(t, arch, files["usr/bin/latchkey"])
		if pool := x509.NewCertPool(); !pool.AppendCertsFromPEM(files["etc/ssl/certs/ca-certificates.crt"]) || strings.Count(string(files["etc/ssl/certs/ca-certificates.crt"]), "BEGIN") < 100 {
			t.Errorf("%s: no certificates", arch)
		}
		for _, copied := range regexp.MustCompile(`(?m)^COPY --from=build .* /(\S+)$`).FindAllStringSubmatch(string(read(t, "files/Dockerfile")), -1) {
			if _, there := files[copied[1]]; !there {
				t.Errorf("%s: the Dockerfile makes %s, which the image lacks", arch, copied[1])
			}
		}
	}
	if !reflect.DeepEqual(configs[0], configs[1]) {
		t.Errorf("the platforms differ: %+v", configs)
	}
	c := configs[0]
	for _, instruction := range []string{
		"USER " + c.User, "WORKDIR " + c.WorkingDir, "STOPSIGNAL " + c.StopSignal, "ENV " + c.Env[len(c.Env)-1], `ENTRYPOINT ["` + c.Entrypoint[0] + `"]`, `CMD ["` + c.Cmd[0] + `"]`,
		"EXPOSE " + only(t, c.ExposedPorts), "VOLUME " + only(t, c.Volumes), "HEALTHCHECK --interval=10s --timeout=6s --start-period=1m --retries=3 CMD [\"" + strings.Join(c.Healthcheck.Test[1:], `", "`) + `"]`,
	} {
		if !slices.Contains(strings.Split(string(read(t, "files/Dockerfile")), "\n"), instruction) {
			t.Errorf("the Dockerfile does not say %s", instruction)
		}
	}
	goMod := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(string(read(t, "../../go.mod")))
	if !strings.Contains(string(read(t, "files/Dockerfile")), "FROM golang:"+goMod[1]+" AS build\n") {
		t.Errorf("the Dockerfile does not build with Go %s", goMod[1])
	}
}

func only(t *testing.T, set map[string]struct{}) string {
	t.Helper()
	if len(set) != 1 {
		t.Fatalf("%d instead of one: %v", len(set), set)
	}
	for name := range set {
		return name
	}
	return ""
}

// extract unpacks a tar archive, with owners when the test runs as root.
func extract(t *testing.T, archive io.Reader, folder string) {
	t.Helper()
	for r := tar.NewReader(archive); ; {
		h, err := r.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(folder, h.Name)
		if h.Typeflag == tar.TypeDir {
			err = os.MkdirAll(path, 0o755)
		} else if err = os.MkdirAll(filepath.Dir(path), 0o755); err == nil {
			var content []byte
			if content, err = io.ReadAll(r); err == nil {
				err = os.WriteFile(path, content, 0o600)
			}
		}
		if err == nil && os.Geteuid() == 0 {
			err = os.Chown(path, h.Uid, h.Gid)
		}
		if err == nil {
			err = os.Chmod(path, h.FileInfo().Mode())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
