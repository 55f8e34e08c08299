// Package static holds the files that pages link to: styles, the script and icons, and what an operator puts in their place, a logo
// and a colour. Ours are embedded in the binary. All are served under addresses that contain a hash of their
// content, so that browsers may keep them for ever and never see an old one.
package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"
)

//go:embed *.css *.js *.svg *.png
var embedded embed.FS

// prefix is where the files are served.
const prefix = "/static/"

// Files serves the embedded files. It is safe for concurrent use.
type Files struct {
	urls   map[string]string // by the file's own name
	assets map[string]asset  // by URL path
	logo   *Logo             // nil: ours
}

// asset is one file, ready to be sent.
type asset struct {
	contentType string
	etag        string // unquoted
	policy      string // Content-Security-Policy; empty: the server's own
	plain       []byte
	zipped      func() []byte // compressed when it is first asked for, so that starting does not wait; nil: never
}

// New reads and hashes the embedded files. Each is compressed once, when it is first
// asked for; that is harmless because they hold no secret.
func New() *Files {
	entries, err := embedded.ReadDir(".")
	if err != nil {
		panic(fmt.Sprintf("static: reading the embedded files: %v", err))
	}
	f := &Files{urls: make(map[string]string), assets: make(map[string]asset)}
	for _, entry := range entries {
		name := entry.Name()
		content, err := embedded.ReadFile(name)
		if err != nil {
			panic(fmt.Sprintf("static: reading the embedded %s: %v", name, err))
		}
		f.add(name, content)
	}
	return f
}

func (f *Files) add(name string, content []byte) {
	sum := sha256.Sum256(content)
	hash := hex.EncodeToString(sum[:4])
	ext := path.Ext(name)
	url := prefix + strings.TrimSuffix(name, ext) + "." + hash + ext
	delete(f.assets, f.urls[name]) // what it replaces
	f.urls[name] = url
	a := asset{contentType: contentType(ext), etag: hash, plain: content}
	if ext != ".png" { // which is compressed as it is
		a.zipped = sync.OnceValue(func() []byte { return zip(content) })
	}
	f.assets[url] = a
}

// URL is the address of a file, such as "/static/app.3f2a91bc.css" for "app.css".
// A name that is not embedded is a mistake in the program: URL panics.
func (f *Files) URL(name string) string {
	url, ok := f.urls[name]
	if !ok {
		panic(fmt.Sprintf("static: no embedded file %q", name))
	}
	return url
}

// ServeHTTP answers GET and HEAD for the addresses that URL gives. Everything else
// is not found: a name without its hash, another hash, a directory.
func (f *Files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a, ok := f.assets[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	if a.policy != "" {
		h.Set("Content-Security-Policy", a.policy)
	}
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	body, etag := a.plain, a.etag
	if a.zipped != nil && takesGzip(r.Header.Values("Accept-Encoding")) {
		body, etag = a.zipped(), a.etag+"-gz" // two encodings are two representations (RFC 9110, section 8.8.3)
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("ETag", `"`+etag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// takesGzip tells whether an Accept-Encoding header names gzip without refusing it
// by a weight of zero. "*" is not taken for gzip: the plain file is always right.
func takesGzip(accept []string) bool {
	for coding := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		name, weight, weighted := strings.Cut(coding, ";")
		if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
			continue
		}
		if !weighted {
			return true
		}
		key, value, _ := strings.Cut(strings.TrimSpace(weight), "=")
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		return strings.EqualFold(strings.TrimSpace(key), "q") && err == nil && q > 0
	}
	return false
}

// contentType names the types that we embed ourselves, because what the mime package
// answers depends on the machine.
func contentType(ext string) string {
	switch ext {
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	case ".js":
		return "text/javascript; charset=utf-8"
	}
	if t := mime.TypeByExtension(ext); t != "" {
		return t
	}
	return "application/octet-stream"
}

func zip(content []byte) []byte {
	var buf bytes.Buffer
	zw, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err == nil {
		_, err = zw.Write(content)
	}
	if err == nil {
		err = zw.Close()
	}
	if err != nil {
		panic(fmt.Sprintf("static: compressing in memory: %v", err))
	}
	return buf.Bytes()
}
