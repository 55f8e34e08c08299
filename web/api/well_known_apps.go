package api

import (
	"net/http"

	"latchkey/auth/client"
	"latchkey/web/wire"
)

// AppleApps names the iOS apps that may use the passkeys of this site (Apple, "Supporting associated domains"). Apple takes it from
// this very address, without a redirect.
func (s *Server) AppleApps(w http.ResponseWriter, r *http.Request) error {
	apps, err := s.clients.Apps(r.Context())
	if err != nil {
		return err
	}
	if len(apps.IOS) == 0 {
		return wire.ErrNoRoute
	}
	type list struct {
		Apps []string `json:"apps"`
	}
	return writePublic(w, struct {
		WebCredentials list `json:"webcredentials"`
	}{list{apps.IOS}})
}

// assetLink is a statement of Digital Asset Links.
type assetLink struct {
	Relation []string    `json:"relation"`
	Target   assetTarget `json:"target"`
}

type assetTarget struct {
	Namespace    string   `json:"namespace"`
	Package      string   `json:"package_name"`
	Certificates []string `json:"sha256_cert_fingerprints"`
}

// passkeyRelations are what Android asks of a site whose passkeys an app uses ("Credential Manager, prerequisites"): passwords need
// the second alone, passkeys both.
var passkeyRelations = []string{"delegate_permission/common.handle_all_urls", "delegate_permission/common.get_login_creds"}

// AndroidApps names the Android apps that may use the passkeys of this site (Google, "Digital Asset Links").
func (s *Server) AndroidApps(w http.ResponseWriter, r *http.Request) error {
	apps, err := s.clients.Apps(r.Context())
	if err != nil {
		return err
	}
	if len(apps.Android) == 0 {
		return wire.ErrNoRoute
	}
	links := make([]assetLink, len(apps.Android))
	for i, app := range apps.Android {
		links[i] = assetLink{passkeyRelations, assetTarget{Namespace: "android_app", Package: app.Package}}
		for _, certificate := range app.Certificates {
			links[i].Target.Certificates = append(links[i].Target.Certificates, client.Fingerprint(certificate))
		}
	}
	return writePublic(w, links)
}
