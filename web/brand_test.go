package web_test

import (
	"bytes"
	"image"
	"image/png"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"latchkey/auth/services"
	"latchkey/models"
	"latchkey/models/modelstest"
	"latchkey/web"
)

const brandName = "Müller & Söhne"

// brandedSite is a service to which its operator gave everything that there is to give.
func brandedSite(t *testing.T) *postOffice {
	t.Helper()
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 64, 64))); err != nil {
		t.Fatal(err)
	}
	logo, err := web.ReadLogo(picture.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	accent, err := web.ParseAccent("#7a1fa2")
	if err != nil {
		t.Fatal(err)
	}
	brand := web.Brand{Name: brandName, Logo: logo, Accent: accent, Support: "mailto:help@example.com", Terms: "https://example.com/terms", Privacy: "https://example.com/privacy", Imprint: "https://example.com/imprint"}
	s := newPostOffice(t, modelstest.MigratedSQLite(t), onLocalhost, func(a *services.Config, w *web.Config) {
		a.Name, a.Render, w.Brand = brand.Name, brand.MailRenderer(w.BaseURL), brand
	})
	s.URL = localhost(s.URL)
	return s
}

// plainRoutes are the paths that can be asked for as they stand, but those that describe our product.
func plainRoutes(t *testing.T) (paths []string) {
	t.Helper()
	source, err := os.ReadFile("routes.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range regexp.MustCompile(`"GET (/[^"{]*)"`).FindAllStringSubmatch(string(source), -1) {
		if path := found[1]; path != "/docs" && path != "/openapi.yaml" {
			paths = append(paths, path)
		}
	}
	if len(paths) < 40 {
		t.Fatalf("only %d routes", len(paths))
	}
	return append(paths, "/manifest.webmanifest", "/nothing", "/api/nothing", "/oauth/nothing", "/.well-known/nothing", "/devices/x/revoke", "/not-me?token=x", "/reset?token=x")
}

var (
	ourName = regexp.MustCompile(`(?i).{0,60}latch.?key.{0,30}`)
	// machines are the words that only programs read, and that stay whatever a service is called: where the script keeps the choice of
	// colours, and the format of a download.
	machines = strings.NewReplacer(`"latchkey-colours"`, "", `"format":"latchkey account data"`, "")
)

// saysTheBrand checks that an answer does not say our name, in what a person may see of it, and that a page says the operator's.
func (s *postOffice) saysTheBrand(what string, r reply) {
	s.t.Helper()
	seen := machines.Replace(r.body)
	for _, header := range []string{"Content-Disposition", "Location", "Content-Type"} {
		seen += "\n" + r.header.Get(header)
	}
	if found := ourName.FindString(seen); found != "" {
		s.t.Errorf("%s: %d: %s", what, r.status, found)
	}
	if strings.HasPrefix(r.header.Get("Content-Type"), "text/html") && r.status != http.StatusSeeOther && r.status != http.StatusFound &&
		(!strings.Contains(r.body, " · Müller &amp; Söhne</title>") || !strings.Contains(r.body, `alt="Müller &amp; Söhne"`) || !strings.Contains(r.body, "https://example.com/imprint")) {
		s.t.Errorf("%s: %d: the page does not say the name: %.300s", what, r.status, r.body)
	}
}

// Whatever a person meets on a server with a brand says the operator's name, and never ours.
func TestABrandedServerDoesNotSayOurName(t *testing.T) {
	s := brandedSite(t)
	stranger := s.browser()
	ada := s.protected(adaEmail)
	if err := s.auth.Operator.SetRole(t.Context(), adaEmail, models.RoleSupport); err != nil {
		t.Fatal(err)
	}
	for who, b := range map[string]*browser{"a stranger": stranger, "ada": ada.browser} {
		for _, path := range plainRoutes(t) {
			s.saysTheBrand(who+" at "+path, b.get(path))
		}
		s.saysTheBrand(who+" by a wrong method", b.post("/activity", nil))
		s.saysTheBrand(who+" from elsewhere", b.post("/login", nil, "Origin", "https://evil.example"))
		s.saysTheBrand(who+" with too much", b.post("/login", url.Values{"email": {strings.Repeat("x", 70_000)}}))
		s.saysTheBrand(who+" in a hurry", b.post("/security/email", url.Values{"email": {"x"}}))
	}
	s.saysTheBrand("support", ada.get("/support?q=ada"))
	login := stranger.get("/login")
	for _, asset := range regexp.MustCompile(`/static/[^"]+`).FindAllString(login.body, -1) {
		r := stranger.get(asset)
		if s.saysTheBrand(asset, r); r.status != http.StatusOK {
			t.Errorf("%s: %d", asset, r.status)
		}
	}

	manifest := stranger.get("/manifest.webmanifest")
	if manifest.text(t, "name") != brandName || manifest.text(t, "short_name") != brandName || manifest.header.Get("Content-Type") != "application/manifest+json" {
		t.Errorf("%v %s", manifest.header, manifest.body)
	}
	if page := ada.get("/security/passkeys").body; !strings.Contains(page, `&#34;rp&#34;:{&#34;name&#34;:&#34;Müller \u0026 Söhne&#34;`) && !strings.Contains(page, `Müller &amp; Söhne&#34;`) {
		t.Error("a new passkey is not of the brand")
	}
	sam := s.browser()
	s.addUser("sam@example.com", adaPassword)
	sam.signIn("sam@example.com", adaPassword)
	if page := sam.get("/security/app").body; !strings.Contains(page, "otpauth://totp/M%C3%BCller%20%26%20S%C3%B6hne:sam") || !strings.Contains(page, "issuer=M%C3%BCller%20%26%20S%C3%B6hne") {
		t.Error("the authenticator app is not told the brand")
	}
	codes := ada.post("/security/codes", ada.byCode())
	s.saysTheBrand("new codes", codes)
	if !strings.Contains(codes.body, `download="müller-söhne-recovery-codes.txt"`) || !strings.Contains(codes.body, "M%C3%BCller%20&amp;%20S%C3%B6hne%20recovery%20codes") {
		t.Error("the sheet of codes is not the brand's")
	}
	data := sam.download(adaPassword)
	s.saysTheBrand("a download", data)
	if got := data.header.Get("Content-Disposition"); got != "attachment; filename*=utf-8''m%C3%BCller-s%C3%B6hne-data-2026-11-23.json" {
		t.Errorf("a download is called %q", got)
	}

	stranger.post("/signup", url.Values{"email": {"new@example.com"}, "password": {evePassword}})
	stranger.post("/forgot", url.Values{"email": {"sam@example.com"}})
	mails := s.mails()
	if len(mails) < 6 {
		t.Errorf("only %d mails", len(mails))
	}
	for _, m := range mails {
		if found := ourName.FindString(m.Subject + "\n" + m.Text + "\n" + m.HTML); found != "" {
			t.Errorf("the mail %q: %s", m.Subject, found)
		}
		if !strings.HasSuffix(m.Subject, " · "+brandName) || !strings.Contains(m.Text, "\n"+brandName+"\n") || !strings.Contains(m.HTML, `src="cid:logo@brand" alt="Müller &amp; Söhne"`) || len(m.Logo) == 0 {
			t.Errorf("the mail %q does not say the brand", m.Subject)
		}
	}
}

func TestOnlyAnHonestNameOrAddressIsABrand(t *testing.T) {
	for name, good := range map[string]bool{
		"Acme": true, "Müller & Söhne": true, "<b>\"Acme\"</b>": true, "متجر": true, "🏝️ 👩‍👩‍👧": true, "株式会社": true, "7": true, strings.Repeat("W", 64): true, "O’Neill: Inc.": true,
		"": false, " Acme": false, "Acme ": false, "A\nB": false, "A\rB": false, "A\x00": false, "A\u0085B": false, "A\u2029B": false, "\u202eemcA": false, "A\u2066B": false, "\u200b\u2060": false, "---": false, strings.Repeat("é", 65): false, "A\xff": false,
	} {
		if err := web.CheckBrandName(name); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
	for address, good := range map[string]bool{
		"https://example.com": true, "https://example.com/a?b=c#d": true, "HTTPS://EXAMPLE.COM/": true, "https://example.com:8443/x": true, "https://[2001:db8::1]/": true,
		"": false, "example.com": false, "//example.com": false, "http://example.com": false, "javascript:alert(1)": false, "data:text/html,x": false, "https:example.com": false, "https:///x": false,
		"https://a@example.com": false, "https://example.com/ x": false, "https://example.com/\n": false, "https://example.com/\"": false, "https://example.com/<": false, "ftp://example.com": false, "mailto:a@example.com": false,
	} {
		if err := web.CheckPageURL(address); (err == nil) != good {
			t.Errorf("%q: %v", address, err)
		}
		if err := web.CheckSupportURL(address); (err == nil) != (good || address == "mailto:a@example.com") {
			t.Errorf("support at %q: %v", address, err)
		}
	}
}
