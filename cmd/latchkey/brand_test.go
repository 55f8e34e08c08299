package main

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
