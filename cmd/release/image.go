package main

import (
	"archive/tar"
	"bytes"
	"encoding/pem"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

const (
	imageUser   = 65532 // no account's on most machines; distroless images have it, too
	imageFolder = "var/lib/latchkey"
)

// platformImage is an image for one architecture.
type platformImage struct {
	arch  string
	image v1.Image
}

// image puts the server on nothing but certificates, one user without root's rights, and the folder for its database.
func (r *release) image(arch, binary string, licences []byte) (p platformImage, err error) {
	roots := mozillaRoots()
	base, err := r.layer([]packed{
		{name: "etc/passwd", text: []byte("root:x:0:0:root:/:/sbin/nologin\nlatchkey:x:65532:65532:latchkey:/" + imageFolder + ":/sbin/nologin\n"), mode: 0o644},
		{name: "etc/group", text: []byte("root:x:0:\nlatchkey:x:65532:\n"), mode: 0o644},
		{name: "etc/ssl/certs/ca-certificates.crt", text: roots, mode: 0o644},
	}, []tar.Header{
		folder("etc/", 0o755, 0), folder("etc/ssl/", 0o755, 0), folder("etc/ssl/certs/", 0o755, 0), folder("tmp/", 0o1777, 0),
		folder("var/", 0o755, 0), folder("var/lib/", 0o755, 0), folder(imageFolder+"/", 0o700, imageUser),
	})
	if err != nil {
		return p, err
	}
	program, err := r.layer([]packed{
		r.programFile("usr/bin/latchkey", binary), {name: "usr/share/doc/latchkey/LICENSES.txt", text: licences, mode: 0o644},
	}, []tar.Header{
		folder("usr/", 0o755, 0), folder("usr/bin/", 0o755, 0), folder("usr/share/", 0o755, 0), folder("usr/share/doc/", 0o755, 0), folder("usr/share/doc/latchkey/", 0o755, 0),
	})
	if err != nil {
		return p, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	if image, err = mutate.ConfigFile(image, r.imageConfig(arch)); err != nil {
		return p, err
	}
	created := v1.Time{Time: r.stamp()}
	image, err = mutate.Append(image,
		mutate.Addendum{Layer: base, History: v1.History{Created: created, CreatedBy: "cmd/release", Comment: "certificates, user, folders"}},
		mutate.Addendum{Layer: program, History: v1.History{Created: created, CreatedBy: "cmd/release", Comment: "latchkey"}})
	return platformImage{arch, image}, err
}

func (r *release) imageConfig(arch string) *v1.ConfigFile {
	return &v1.ConfigFile{
		Architecture: arch, OS: "linux", Created: v1.Time{Time: r.stamp()}, RootFS: v1.RootFS{Type: "layers"},
		Config: v1.Config{
			User: "65532:65532", Entrypoint: []string{"/usr/bin/latchkey"}, Cmd: []string{"serve"}, WorkingDir: "/" + imageFolder, StopSignal: "SIGTERM",
			Env:          []string{"PATH=/usr/bin", "LATCHKEY_ADDR=:8080"},
			ExposedPorts: map[string]struct{}{"8080/tcp": {}}, Volumes: map[string]struct{}{"/" + imageFolder: {}},
			Healthcheck: &v1.HealthConfig{Test: []string{"CMD", "/usr/bin/latchkey", "healthcheck"}, Interval: 10 * time.Second, Timeout: 6 * time.Second, StartPeriod: time.Minute, Retries: 3},
			Labels: map[string]string{
				"org.opencontainers.image.title": "Latchkey", "org.opencontainers.image.description": "Self-hosted sign-in server",
				"org.opencontainers.image.version": r.version, "org.opencontainers.image.revision": r.commit,
				"org.opencontainers.image.created": r.stamp().Format(time.RFC3339), "org.opencontainers.image.licenses": "Apache-2.0",
			},
		},
	}
}

func folder(name string, mode int64, owner int) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeDir, Mode: mode, Uid: owner, Gid: owner}
}

func (r *release) layer(files []packed, folders []tar.Header) (v1.Layer, error) {
	archive, err := r.tar(files, folders)
	if err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive)), nil }, tarball.WithMediaType(types.OCILayer))
}

// mozillaRoots are the certificates that Mozilla trusts for servers, as the Go project publishes them. A file cannot say of a root that it
// counts for older certificates only: such roots are left out.
func mozillaRoots() []byte {
	var roots bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			_ = pem.Encode(&roots, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // no buffer fails
		}
	}
	return roots.Bytes()
}

// writeImages writes one image for all architectures: an OCI image layout in a tar file, which podman, skopeo and Docker read.
func (r *release) writeImages(images []platformImage) error {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, p := range images {
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: p.image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: p.arch}}})
	}
	stage := filepath.Join(r.work, "image")
	written, err := layout.Write(stage, empty.Index)
	if err != nil {
		return err
	}
	if err := written.AppendIndex(index, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": "latchkey:" + r.version})); err != nil {
		return err
	}
	var files []packed
	err = filepath.WalkDir(stage, func(name string, entry fs.DirEntry, err error) error { // in the order of the names
		if err != nil || entry.IsDir() {
			return err
		}
		inside, err := filepath.Rel(stage, name)
		files = append(files, packed{name: filepath.ToSlash(inside), from: name, mode: 0o644})
		return err
	})
	if err != nil {
		return err
	}
	archive, err := r.tar(files, nil)
	if err != nil {
		return err
	}
	return os.WriteFile(r.path("oci.tar"), archive, 0o644)
}
