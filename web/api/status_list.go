package api

import (
	"net/http"
	"strings"

	"latchkey/auth/statuslist"
)

// StatusList serves a Status List Token (draft-ietf-oauth-status-list §8). Caches on the way must ask again every
// time, which costs them a 304: a copy of theirs would come on top of the time that resource servers keep their own.
func (s *Server) StatusList(w http.ResponseWriter, r *http.Request) error {
	list, err := s.revocations.List(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Cache-Control", "public, no-cache")
	h.Set("ETag", list.ETag)
	if matches(r.Header.Values("If-None-Match"), list.ETag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Type", statuslist.MediaType)
	_, _ = w.Write([]byte(list.Token))
	return nil
}

// matches tells whether If-None-Match names this entity tag (RFC 9110 §13.1.2); the weak comparison is enough.
func matches(fields []string, etag string) bool {
	for _, field := range fields {
		for tag := range strings.SplitSeq(field, ",") {
			if tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/"); tag == etag || tag == "*" {
				return true
			}
		}
	}
	return false
}
