package web

import (
	"net/http"

	"latchkey/web/wire"
)

// healthz reports that the process is alive. It checks no other system.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) error {
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, map[string]string{"status": "ok"})
}

// readyz reports whether the server can serve requests: the database responds and accepts writes, there is a signing key, and the
// program is not stopping.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) error {
	if s.stopping != nil && s.stopping() {
		w.Header().Set("Retry-After", "2")
		return wire.ErrStopping
	}
	if err := s.operator.Ready(r.Context()); err != nil {
		return err
	}
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, map[string]string{"status": "ready"})
}
