package web_test

import (
	"net/http"
	"testing"
	"time"

	"latchkey/auth/client"
	"latchkey/models"
)

var notesApps = client.Registration{
	Name: "Notes", ID: "notes", IOSApps: []string{"Z1B2C3D4E5.com.example.notes", "A1B2C3D4E5.com.example.notes"},
	AndroidApps: []string{
		"com.example.notes=14:6D:E9:83:C5:73:06:50:D8:EE:B9:95:2F:34:FC:64:16:A0:83:42:5F:E6:A6:EF:8D:42:D7:8B:B4:BA:3D:5C",
		"com.example.notes=046de983c5730650d8eeb9952f34fc6416a083425fe6a6ef8d42d78bb4ba3d5c",
		"com.example.beta=146de983c5730650d8eeb9952f34fc6416a083425fe6a6ef8d42d78bb4ba3d5c",
	},
}

const (
	appleFile  = "/.well-known/apple-app-site-association"
	googleFile = "/.well-known/assetlinks.json"

	appleApps  = `{"webcredentials":{"apps":["A1B2C3D4E5.com.example.notes","Z1B2C3D4E5.com.example.notes"]}}` + "\n"
	googleApps = `[{"relation":["delegate_permission/common.handle_all_urls","delegate_permission/common.get_login_creds"],"target":{"namespace":"android_app","package_name":"com.example.beta",` +
		`"sha256_cert_fingerprints":["14:6D:E9:83:C5:73:06:50:D8:EE:B9:95:2F:34:FC:64:16:A0:83:42:5F:E6:A6:EF:8D:42:D7:8B:B4:BA:3D:5C"]}},` +
		`{"relation":["delegate_permission/common.handle_all_urls","delegate_permission/common.get_login_creds"],"target":{"namespace":"android_app","package_name":"com.example.notes",` +
		`"sha256_cert_fingerprints":["04:6D:E9:83:C5:73:06:50:D8:EE:B9:95:2F:34:FC:64:16:A0:83:42:5F:E6:A6:EF:8D:42:D7:8B:B4:BA:3D:5C",` +
		`"14:6D:E9:83:C5:73:06:50:D8:EE:B9:95:2F:34:FC:64:16:A0:83:42:5F:E6:A6:EF:8D:42:D7:8B:B4:BA:3D:5C"]}}]` + "\n"
)

func TestPhonesFindTheAppsOfTheSite(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		files := map[string]string{appleFile: appleApps, googleFile: googleApps}
		missing := func(when string) {
			t.Helper()
			for path := range files {
				r := s.request(http.MethodGet, path, "")
				if r.status != http.StatusNotFound || r.text(t, "code") != "not_found" || r.header.Get("Content-Type") != "application/problem+json" || r.header.Get("Cache-Control") != "no-store" {
					t.Errorf("%s, %s: %d %v %s", path, when, r.status, r.header, r.body)
				}
			}
		}
		missing("without any client")
		if _, err := s.auth.Clients.Add(t.Context(), client.Registration{Name: "Web", ID: "web"}); err != nil {
			t.Fatal(err)
		}
		missing("with a client without apps")
		if _, err := s.auth.Clients.Add(t.Context(), notesApps); err != nil {
			t.Fatal(err)
		}
		keys := s.request(http.MethodGet, "/.well-known/jwks.json", "")
		for path, want := range files {
			r := s.request(http.MethodGet, path, "")
			if r.status != http.StatusOK || r.body != want {
				t.Errorf("%s: %d %s", path, r.status, r.body)
			}
			for _, name := range []string{"Content-Type", "Cache-Control", "Access-Control-Allow-Origin", "Cross-Origin-Resource-Policy"} {
				if got := r.header.Get(name); got != keys.header.Get(name) || got == "" {
					t.Errorf("%s: %s %q", path, name, got)
				}
			}
			before := s.statements.Load()
			if s.request(http.MethodGet, path, ""); s.statements.Load() != before {
				t.Errorf("%s: asked the database again", path)
			}
			if r := s.request(http.MethodPost, path, ""); r.status != http.StatusMethodNotAllowed {
				t.Errorf("POST %s: %d", path, r.status)
			}
		}
		// A command changes the database beside a running server.
		if err := s.store.RemoveClient(t.Context(), "notes"); err != nil {
			t.Fatal(err)
		}
		more := models.Client{ID: "more", Name: "More", CreatedAt: s.clock.Now(), IOSApps: "A1B2C3D4E5.com.example.more"}
		if err := s.store.AddClient(t.Context(), more); err != nil {
			t.Fatal(err)
		}
		s.clock.Advance(10 * time.Second)
		if r := s.request(http.MethodGet, appleFile, ""); r.body != `{"webcredentials":{"apps":["A1B2C3D4E5.com.example.more"]}}`+"\n" {
			t.Errorf("ten seconds later: %d %s", r.status, r.body)
		}
		if r := s.request(http.MethodGet, googleFile, ""); r.status != http.StatusNotFound {
			t.Errorf("ten seconds later: %d %s", r.status, r.body)
		}
	})
}
