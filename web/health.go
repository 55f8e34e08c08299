package web

import "net/http"

// healthz tells that the process lives; it asks nobody else.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, jsonType, map[string]string{"status": "ok"})
}

// readyz tells that requests can be served: the database answers and there is a key to sign with.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) error {
	if err := s.auth.Ready(r.Context()); err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, jsonType, map[string]string{"status": "ready"})
}
