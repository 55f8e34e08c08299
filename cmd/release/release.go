package main

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// architectures are those of Linux that a release is made for.
var architectures = []string{"amd64", "arm64"}

// release is one run.
type release struct {
	root, out string // the checkout, later a clean clone of it, and the folder for the files
	work      string // goes at the end
	version   string // without its v: of the tag, or a pseudo-version
	commit    string // in full
	date      time.Time
}

func newRelease(root, out string) (*release, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	if out, err = filepath.Abs(out); err != nil {
		return nil, err
	}
	if err := os.RemoveAll(out); err != nil {
		return nil, err
	}
	return &release{root: root, out: out}, os.MkdirAll(out, 0o755)
}

func (r *release) run() (err error) {
	if r.work, err = os.MkdirTemp("", "latchkey-release-"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(r.work) }()
	if err := r.clone(); err != nil {
		return err
	}
	var images []platformImage
	for _, arch := range architectures {
		image, err := r.platform(arch)
		if err != nil {
			return fmt.Errorf("linux/%s: %w", arch, err)
		}
		images = append(images, image)
	}
	if err := r.writeImages(images); err != nil {
		return fmt.Errorf("image: %w", err)
	}
	return r.sum()
}

// platform writes everything for one architecture except for the image, whose part it returns.
func (r *release) platform(arch string) (image platformImage, err error) {
	binary, err := r.build(arch)
	if err != nil {
		return image, err
	}
	info, err := r.describe(binary)
	if err != nil {
		return image, err
	}
	if err := r.writeBill(info, binary, arch); err != nil {
		return image, fmt.Errorf("bill of materials: %w", err)
	}
	licences, err := r.licences(info)
	if err != nil {
		return image, fmt.Errorf("licences: %w", err)
	}
	if err := r.writeArchive(arch, binary, licences); err != nil {
		return image, fmt.Errorf("archive: %w", err)
	}
	if err := r.writeDebian(arch, binary, licences); err != nil {
		return image, fmt.Errorf("Debian package: %w", err)
	}
	return r.image(arch, binary, licences)
}

// path is where a file of the release is written.
func (r *release) path(format string, args ...any) string {
	return filepath.Join(r.out, "latchkey_"+r.version+"_"+fmt.Sprintf(format, args...))
}

// sum writes SHA256SUMS, which sha256sum -c reads, over all that is there.
func (r *release) sum() error {
	files, err := os.ReadDir(r.out) // in the order of their names
	if err != nil {
		return err
	}
	var sums strings.Builder
	for _, f := range files {
		sum, err := sumOf(filepath.Join(r.out, f.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sum, f.Name())
	}
	return os.WriteFile(filepath.Join(r.out, "SHA256SUMS"), []byte(sums.String()), 0o644)
}

func sumOf(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	_, err = io.Copy(h, bufio.NewReader(f))
	return h.Sum(nil), err
}
