package web

import (
	"net/http"

	"latchkey/static"
	"latchkey/web/wire"
)

// manifestPath is where pages say that the web application's manifest is.
const manifestPath = "/manifest.webmanifest"

// manifest tells phones and browsers how the portal looks among their applications (W3C: Web Application Manifest). It keeps the bar with
// the address: a page that asks for a password must show whose it is.
func (s *Server) manifest(w http.ResponseWriter, _ *http.Request) error {
	type icon struct {
		Source string `json:"src"`
		Type   string `json:"type"`
		Sizes  string `json:"sizes"`
	}
	light, _ := static.ColoursOf(s.brand.Accent)
	name := s.english().Brand()
	body := struct {
		ID         string `json:"id"`
		Name       string `json:"name"`
		ShortName  string `json:"short_name"`
		Start      string `json:"start_url"`
		Scope      string `json:"scope"`
		Display    string `json:"display"`
		Theme      string `json:"theme_color"`
		Background string `json:"background_color"`
		Icons      []icon `json:"icons"`
	}{"/", name, name, "/devices", "/", "minimal-ui", light.Paper, light.Paper, nil}
	for _, i := range s.files.Icons() {
		body.Icons = append(body.Icons, icon{i.URL, i.Type, i.Sizes})
	}
	w.Header().Set("Cache-Control", wire.PublicMaxAge)
	return wire.WriteJSON(w, http.StatusOK, "application/manifest+json", body)
}
