package web

import "net/http"

// home leads to the devices, which lead to the sign-in form.
func (s *Server) home(w http.ResponseWriter, r *http.Request) error {
	return redirect(w, r, "/devices")
}

// favicon is for what asks without having read a page.
func (s *Server) favicon(w http.ResponseWriter, r *http.Request) error {
	http.Redirect(w, r, s.files.Icons()[0].URL, http.StatusFound)
	return nil
}
