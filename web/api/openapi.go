package api

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"net/http"

	"latchkey/web/wire"
)

// openAPITemplate describes the JSON and OAuth surface (OpenAPI 3.1) of a server at exampleBase.
//
//go:embed openapi.yaml
var openAPITemplate []byte

const exampleBase = "https://id.example.com"

// document is a file that is the same for everybody.
type document struct {
	content []byte
	etag    string
}

// newOpenAPI makes the description of this server: every address in it is the real one.
func newOpenAPI(base string) document {
	content := bytes.ReplaceAll(openAPITemplate, []byte(exampleBase), []byte(base))
	sum := sha256.Sum256(content)
	return document{content, `"` + hex.EncodeToString(sum[:8]) + `"`}
}

// OpenAPI serves the description, as the media type of RFC 9512.
func (s *Server) OpenAPI(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set("Cache-Control", wire.PublicMaxAge)
	h.Set("ETag", s.description.etag)
	if matches(r.Header.Values("If-None-Match"), s.description.etag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Type", "application/yaml")
	_, _ = w.Write(s.description.content)
	return nil
}
