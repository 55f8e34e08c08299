package web

import "net/http"

// errStopping is the answer of a server that serves what still comes, and wants no more.
var errStopping = &httpError{status: http.StatusServiceUnavailable, code: "unavailable", message: "This server is about to stop."}

// healthz tells that the process lives. It asks no other system.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, jsonType, map[string]string{"status": "ok"})
}

// readyz tells that requests can be served: the database answers and takes what is written, there is a key to sign with, and nobody
// has told the program to stop.
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
