package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path"
	"path/filepath"
	"time"
)

// packed is a file of an archive or a package.
type packed struct {
	name string // in the archive
	from string // in the checkout or elsewhere; "": content counts
	text []byte
	mode int64
}

func (f packed) read() ([]byte, error) {
	if f.from == "" {
		return f.text, nil
	}
	return os.ReadFile(f.from)
}

// file is one of the checkout.
func (r *release) file(name, from string) packed {
	return packed{name: name, from: filepath.Join(r.root, from), mode: 0o644}
}

// part is one of cmd/release/files.
func (r *release) part(name, from string) packed {
	return r.file(name, filepath.Join("cmd", "release", "files", from))
}

func (r *release) programFile(name, binary string) packed {
	return packed{name: name, from: binary, mode: 0o755}
}

// writeArchive writes a .tar.gz with one folder: the server, its documents, and samples for those who install it by hand.
func (r *release) writeArchive(arch, binary string, licences []byte) error {
	files := []packed{r.programFile("latchkey", binary), {name: "LICENSES.txt", text: licences, mode: 0o644}}
	for _, document := range []string{"CHANGELOG.md", "LICENSE", "OPERATIONS.md", "README.md", "SECURITY.md"} {
		files = append(files, r.file(document, document))
	}
	for _, part := range []string{"latchkey.1", "latchkey.bash", "_latchkey", "latchkey.fish"} {
		files = append(files, r.part("share/"+part, part))
	}
	for _, part := range []string{"latchkey.service", "latchkey.env", "nginx.conf", "Caddyfile", "Dockerfile", "compose.yaml"} {
		files = append(files, r.part("examples/"+part, part))
	}
	folder := "latchkey_" + r.version + "_linux_" + arch
	for i := range files {
		files[i].name = path.Join(folder, files[i].name)
	}
	archive, err := r.tar(files, nil)
	if err != nil {
		return err
	}
	small, err := squeeze(archive)
	if err != nil {
		return err
	}
	return os.WriteFile(r.path("linux_%s.tar.gz", arch), small, 0o644)
}

// tar makes an archive of headers (folders, mostly) and files in this order, all of root's and of the commit's time.
func (r *release) tar(files []packed, headers []tar.Header) ([]byte, error) {
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, h := range headers {
		h.ModTime, h.Format = r.stamp(), tar.FormatUSTAR
		if err := w.WriteHeader(&h); err != nil {
			return nil, err
		}
	}
	for _, f := range files {
		content, err := f.read()
		if err != nil {
			return nil, err
		}
		h := tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(content)), ModTime: r.stamp(), Typeflag: tar.TypeReg, Format: tar.FormatUSTAR, Uname: "root", Gname: "root"}
		if err := w.WriteHeader(&h); err != nil {
			return nil, err
		}
		if _, err := io.Copy(w, bytes.NewReader(content)); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return archive.Bytes(), err
}

// squeeze compresses without a name and a time.
func squeeze(text []byte) ([]byte, error) {
	var small bytes.Buffer
	w, err := gzip.NewWriterLevel(&small, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	err = w.Close()
	return small.Bytes(), err
}

func (r *release) stamp() time.Time { return r.date.Truncate(time.Second) }
