package main

import (
	"bytes"
	"image"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"latchkey/models/modelstest"
)

func picture(t *testing.T, w, h int) string {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, w, h))); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A server whose brand is wrong does not start, and says which setting is, and what would do.
func TestABadLogoStopsTheStart(t *testing.T) {
	folder := t.TempDir()
	put := func(name, content string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, c := range map[string]struct{ path, want string }{
		"missing":   {filepath.Join(folder, "nothing.svg"), "nothing.svg: no such file"},
		"a folder":  {folder, "is a folder"},
		"endless":   {"/dev/zero", "is not a file"},
		"empty":     {put("empty.svg", ""), "is empty"},
		"huge":      {put("huge.png", strings.Repeat("x", 2<<20)), "larger than 1024 KiB"},
		"a program": {put("script.svg", `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><script/></svg>`), "<script>"},
		"damaged":   {put("damaged.png", picture(t, 64, 64)[:60]), "damaged"},
		"too small": {put("small.png", picture(t, 4, 4)), "4×4"},
	} {
		o := command(t, "", "", "serve", "--addr=localhost:0", "--brand-logo="+c.path)
		o.refuses(t, 1, "LATCHKEY_BRAND_LOGO: ")
		if !strings.Contains(o.stderr, c.want) || strings.Count(o.stderr, c.path) != 1 {
			t.Errorf("%s: %s", name, o.stderr)
		}
	}
}

// Every error tells what would do.
func TestErrorsOfTheBrandSayWhatWouldDo(t *testing.T) {
	for flag, want := range map[string]string{
		"--brand-accent=#ffcc00":                    "LATCHKEY_BRAND_ACCENT: text in #ffcc00 has a contrast of 1.31:1 with the light ground, and needs 4.5:1; the nearest colour that passes is #856900",
		"--brand-accent=teal":                       "like #0b655b",
		"--brand-name=" + strings.Repeat("ä", 65):   "has 65 characters, and may have 64",
		"--brand-name=A\nB":                         "write it in one line",
		"--brand-terms-url=http://example.com":      "must begin with https://",
		"--brand-support-url=javascript:alert(1)":   "like mailto:help@example.com",
		"--brand-imprint-url=https://a:b@c.example": "a password before the host",
	} {
		command(t, "", "", "version", flag).refuses(t, 2, want)
	}
}

// Mails come from the service by its name, unless the sender has one, and answers go where the operator says.
func TestMailsComeFromTheBrand(t *testing.T) {
	t.Setenv("LATCHKEY_SMTP_URL", "smtp://localhost")
	for _, c := range []struct{ from, brand, replyTo, wantName, wantReply string }{
		{"no-reply@example.com", "", "", "", ""},
		{"no-reply@example.com", "Müller & Söhne", "", "Müller & Söhne", ""},
		{"Accounts <no-reply@example.com>", "Müller & Söhne", "Help <help@example.com>", "Accounts", `"Help" <help@example.com>`},
	} {
		t.Setenv("LATCHKEY_MAIL_FROM", c.from)
		t.Setenv("LATCHKEY_BRAND_NAME", c.brand)
		t.Setenv("LATCHKEY_MAIL_REPLY_TO", c.replyTo)
		settings := defaults(t, "")
		settings.readVariables()
		sender, err := settings.smtp()
		if err != nil {
			t.Fatal(err)
		}
		reply := ""
		if sender.ReplyTo != nil {
			reply = sender.ReplyTo.String()
		}
		if sender.From.Name != c.wantName || reply != c.wantReply {
			t.Errorf("%+v: from %q, answers to %q", c, sender.From.Name, reply)
		}
	}
}

func TestABrandReachesTheServer(t *testing.T) {
	logo := filepath.Join(t.TempDir(), "logo.svg")
	if err := os.WriteFile(logo, []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 1"><path d="M0 0h4v1z"/></svg>`), 0o600); err != nil {
		t.Fatal(err)
	}
	p := serve(t, modelstest.MigratedSQLite(t), func(s *Settings) {
		s.BrandName, s.BrandLogo, s.BrandAccent = "Acme", logo, "#7a1fa2"
		s.BrandSupportURL, s.BrandTermsURL, s.BrandPrivacyURL, s.BrandImprintURL = "mailto:help@acme.example", "https://acme.example/terms", "https://acme.example/privacy", "https://acme.example/imprint"
	})
	page := send(t, http.DefaultClient, "GET", p.URL()+"/login", "").want(t, 200).body
	for _, want := range []string{"<title>Sign in · Acme</title>", `alt="Acme" width="144" height="36"`, "mailto:help@acme.example", "https://acme.example/terms", "https://acme.example/privacy", "https://acme.example/imprint"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	_, rest, _ := strings.Cut(page, `<img class="logo" src="`)
	path, _, _ := strings.Cut(rest, `"`)
	served := send(t, http.DefaultClient, "GET", p.URL()+path, "").want(t, 200).header
	for header, want := range map[string]string{
		"Content-Type": "image/svg+xml", "X-Content-Type-Options": "nosniff", "Cache-Control": "public, max-age=31536000, immutable",
		"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox", "Cross-Origin-Resource-Policy": "same-origin",
	} {
		if served.Get(header) != want {
			t.Errorf("%s: %q", header, served.Get(header))
		}
	}
	if p.config.Name != "Acme" {
		t.Errorf("passkeys are of %q", p.config.Name)
	}
}
