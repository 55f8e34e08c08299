package web

import (
	"net/http"

	"latchkey/views/reference"
	"latchkey/web/wire"
)

// docsFile serves a file of the reference clients as text, to be copied.
func (s *Server) docsFile(w http.ResponseWriter, r *http.Request) error {
	text, ok := reference.File(r.PathValue("name"))
	if !ok {
		return wire.ErrNoRoute
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", wire.PublicMaxAge)
	_, _ = w.Write(text)
	return nil
}
