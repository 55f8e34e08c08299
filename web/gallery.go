package web

import (
	"fmt"
	"net/http"
	"strings"

	"latchkey/views"
)

// onShow is page where the gallery is shown: in demonstrations and tests. Elsewhere there is nothing.
func (s *Server) onShow(h handler) http.Handler {
	return s.page(func(w http.ResponseWriter, r *http.Request) error {
		if !s.gallery {
			return errNoRoute
		}
		return h(w, r)
	})
}

// galleryIndex lists every page and mail in every state.
func (s *Server) galleryIndex(w http.ResponseWriter, r *http.Request) error {
	states := append(views.Gallery(s.Assets()), views.Mails()...)
	return render(w, r, http.StatusOK, views.GalleryIndex(views.GalleryPage{Shell: s.shell(w, r, "Gallery", ""), States: states}))
}

// galleryState shows one of them, with made-up data.
func (s *Server) galleryState(w http.ResponseWriter, r *http.Request) error {
	for _, state := range views.Gallery(s.Assets()) {
		if state.Path() == r.URL.Path {
			return render(w, r, http.StatusOK, state.Component)
		}
	}
	for _, mail := range views.Mails() {
		if mail.Path() == r.URL.Path {
			var html strings.Builder
			if err := mail.Component.Render(r.Context(), &html); err != nil {
				return fmt.Errorf("render mail: %w", err)
			}
			showMail(w, html.String())
			return nil
		}
	}
	return errNoRoute
}
