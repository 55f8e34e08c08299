package web

import (
	"fmt"
	"net/http"
	"strings"

	"latchkey/views"
	"latchkey/views/catalog"
	"latchkey/web/wire"
)

// onShow is page where the gallery is shown: in demonstrations and tests. Elsewhere there is nothing.
func (s *Server) onShow(h handler) http.Handler {
	return s.page(func(w http.ResponseWriter, r *http.Request) error {
		if !s.gallery {
			return wire.ErrNoRoute
		}
		return h(w, r)
	})
}

// galleryIndex lists every page and mail in every state.
func (s *Server) galleryIndex(w http.ResponseWriter, r *http.Request) error {
	states := append(views.Gallery(s.Assets()), views.Mails()...)
	page := views.GalleryPage{Shell: s.shell(w, r, "Gallery", ""), States: states, Languages: catalog.Tags()}
	if _, ok := catalog.In(r.URL.Query().Get("lang")); ok {
		page.Language = r.URL.Query().Get("lang")
	}
	return render(w, r, http.StatusOK, views.GalleryIndex(page))
}

// galleryState shows one of them, with made-up data. ?lang= shows it in any language that there is: incomplete ones and the
// pseudo-languages, too. ?brand= shows it under that name.
func (s *Server) galleryState(w http.ResponseWriter, r *http.Request) error {
	if p, ok := catalog.In(r.URL.Query().Get("lang")); ok {
		request(r).printer = p.Named(s.brand.Name)
	}
	brand := s.Brand()
	if name := r.URL.Query().Get("brand"); CheckBrandName(name) == nil {
		request(r).printer, brand = say(r).Named(name), views.SampleBrand(s.Assets())
	}
	for _, state := range views.GalleryOf(say(r), s.Assets(), brand) {
		if state.Path() == r.URL.Path {
			return render(w, r, http.StatusOK, state.Component)
		}
	}
	for _, mail := range views.MailsOf(say(r), s.Assets(), brand) {
		if mail.Path() == r.URL.Path {
			var html strings.Builder
			if err := mail.Component.Render(catalog.With(r.Context(), say(r)), &html); err != nil {
				return fmt.Errorf("render mail: %w", err)
			}
			showMail(w, html.String())
			return nil
		}
	}
	return wire.ErrNoRoute
}
