package web

import "net/http"

// errStopping is the answer of a server that serves what still comes, and wants no more.
var errStopping = &httpError{status: http.StatusServiceUnavailable, code: "unavailable", message: "This server is about to stop."}

// healthz reports that the process is alive. It checks no other system.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, jsonType, map[string]string{"status": "ok"})
}

// readyz reports whether the server can serve requests: the database responds and accepts writes, there is a signing key, and the
// program is not stopping.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) error {
	if s.stopping != nil && s.stopping() {
		w.Header().Set("Retry-After", "2")
		return errStopping
	}
	if err := s.operator.Ready(r.Context()); err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, jsonType, map[string]string{"status": "ready"})
}
