package static

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"
)

const drawing = `<?xml version="1.0" encoding="UTF-8"?><!-- a logo --><svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 64 32">` +
	`<style>.a{fill:url(#g)}</style><defs><linearGradient id="g"><stop offset="0" stop-color="#048"/></linearGradient></defs>` +
	`<rect class="a" style="fill:url('#g')" width="64" height="32"/><use xlink:href="#g"/></svg>`

// inside puts something into the drawing.
func inside(s string) string { return strings.Replace(drawing, "<rect", s+"<rect", 1) }

func picture(w, h int) []byte {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h / 2 {
		for x := range w {
			m.Set(x, y, color.NRGBA{0, 68, 136, 255})
		}
	}
	var b bytes.Buffer
	_ = png.Encode(&b, m)
	return b.Bytes()
}

// claiming is a PNG whose header claims another size.
func claiming(w, h uint32) []byte {
	data := picture(64, 64)
	binary.BigEndian.PutUint32(data[16:], w)
	binary.BigEndian.PutUint32(data[20:], h)
	binary.BigEndian.PutUint32(data[29:], crc32.ChecksumIEEE(data[12:29]))
	return data
}

func TestAGoodLogoIsTaken(t *testing.T) {
	for name, c := range map[string]struct {
		data          string
		width, height int
		wide          bool
	}{
		"a drawing":                  {drawing, 72, 36, true},
		"with a byte order mark":     {"\xef\xbb\xbf" + drawing, 72, 36, true},
		"by width and height":        {`<svg xmlns="http://www.w3.org/2000/svg" width="20px" height="20"><path d="M0 0h9"/></svg>`, 36, 36, false},
		"with an editor's words":     {inside(`<metadata><x:RDF xmlns:x="http://www.w3.org/1999/02/22-rdf-syntax-ns#" x:about="">made by hand</x:RDF></metadata>`), 72, 36, true},
		"very long, 8 to 1":          {strings.Replace(drawing, "64 32", "800 100", 1), 180, 23, true},
		"a picture":                  {string(picture(64, 64)), 36, 36, false},
		"a picture, as large as may": {string(picture(2048, 1024)), 72, 36, true},
	} {
		l, err := ReadLogo([]byte(c.data))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if w, h := l.Size(); w != c.width || h != c.height || l.Wide() != c.wide {
			t.Errorf("%s: %d×%d, wide %v", name, w, h, l.Wide())
		}
	}
}

func TestABadLogoIsRefused(t *testing.T) {
	whole := string(picture(64, 64))
	for name, c := range map[string]struct{ data, want string }{
		"nothing":                    {"", "is empty"},
		"a JPEG":                     {"\xff\xd8\xff\xe0JFIF", "neither an SVG nor a PNG"},
		"a text":                     {"logo", "neither an SVG nor a PNG"},
		"HTML":                       {"<!doctype html><svg/>", "DOCTYPE"},
		"another XML":                {"<html xmlns='http://www.w3.org/1999/xhtml'/>", "no SVG"},
		"without a namespace":        {`<svg viewBox="0 0 1 1"/>`, "no SVG"},
		"too large a drawing":        {inside("<!--" + strings.Repeat("x", maxSVG) + "-->"), "larger than 32 KiB"},
		"too large a file":           {strings.Repeat(whole, MaxLogo/len(whole)+1), "larger than 1024 KiB"},
		"cut off":                    {drawing[:len(drawing)-3], "not well-formed"},
		"ended twice":                {drawing + "</svg>", "not well-formed"},
		"two roots":                  {drawing + `<svg xmlns="http://www.w3.org/2000/svg"/>`, "more than one root"},
		"in another encoding":        {strings.Replace(drawing, "UTF-8", "ISO-8859-1", 1), "not well-formed"},
		"a script":                   {inside("<script>alert(1)</script>"), "<script>"},
		"a script of another name":   {inside(`<x:script xmlns:x="http://www.w3.org/2000/svg"/>`), "<script>"},
		"HTML inside":                {inside(`<foreignObject><p xmlns="http://www.w3.org/1999/xhtml"/></foreignObject>`), "<foreignObject>"},
		"HTML without its object":    {inside(`<metadata><p xmlns="http://www.w3.org/1999/xhtml"/></metadata>`), "<p>"},
		"a picture inside":           {inside(`<image href="data:image/png;base64,AA=="/>`), "<image>"},
		"a link":                     {inside(`<a href="#g"/>`), "<a>"},
		"something that moves":       {inside(`<animate attributeName="href" to="javascript:alert(1)"/>`), "<animate>"},
		"a handler":                  {inside(`<g onload="alert(1)"/>`), "onload"},
		"a handler, in capitals":     {inside(`<g ONLOAD="alert(1)"/>`), "ONLOAD"},
		"another file":               {inside(`<use href="other.svg#a"/>`), "outside itself"},
		"another file, the old way":  {inside(`<use xlink:href="https://example.com/a.svg#a"/>`), "outside itself"},
		"data":                       {inside(`<use href="data:image/svg+xml,x#a"/>`), "outside itself"},
		"another base":               {inside(`<g xml:base="https://example.com/"/>`), "outside itself"},
		"a fill from elsewhere":      {inside(`<g fill="url(https://example.com/a.svg#g)"/>`), "outside itself"},
		"a style from elsewhere":     {inside(`<g style="fill:URL( 'a.svg#g')"/>`), "outside itself"},
		"an import cut by a comment": {inside(`<style>@im<!-- -->port "https://example.com/a.css";</style>`), "@import"},
		"a url cut by CDATA":         {inside(`<style>rect{fill:u<![CDATA[rl(https://example.com/x)]]>}</style>`), "url("},
		"an import":                  {inside(`<style>@import "https://example.com/a.css";</style>`), "@import"},
		"a font":                     {inside(`<style>@font-face{font-family:x;src:local(x)}</style>`), "@font-face"},
		"an escape":                  {inside(`<style>.b{fill:u\72l(https://example.com)}</style>`), "outside itself"},
		"CDATA":                      {inside(`<style><![CDATA[.b{fill:url(//example.com)}]]></style>`), "outside itself"},
		"an entity":                  {`<!DOCTYPE svg [<!ENTITY a "b">]>` + drawing, "DOCTYPE"},
		"an unknown entity":          {inside(`<text>&a;</text>`), "not well-formed"},
		"a style sheet":              {`<?xml-stylesheet href="https://example.com/a.css"?>` + drawing, "<?xml-stylesheet?>"},
		"no size":                    {strings.Replace(drawing, `viewBox="0 0 64 32"`, "", 1), "how large"},
		"a size in percent":          {strings.Replace(drawing, `viewBox="0 0 64 32"`, `width="100%" height="100%"`, 1), "how large"},
		"a size of nothing":          {strings.Replace(drawing, "64 32", "0 0", 1), "how large"},
		"a size of NaN":              {strings.Replace(drawing, "64 32", "NaN 1e999", 1), "how large"},
		"a line":                     {strings.Replace(drawing, "64 32", "900 100", 1), "8 times as long"},
		"a damaged picture":          {whole[:len(whole)-20], "damaged"},
		"a picture's beginning":      {whole[:20], "damaged"},
		"a changed picture":          {whole[:50] + "x" + whole[51:], "damaged"},
		"too small a picture":        {string(picture(31, 64)), "31×64"},
		"too large a picture":        {string(picture(2049, 1024)), "2049×1024"},
		"a larger bomb":              {string(claiming(1<<30, 1<<30)), "damaged"},
		"a bomb":                     {string(claiming(50_000, 50_000)), "50000×50000"},
		"a tall picture":             {string(picture(32, 257)), "8 times as long"},
	} {
		if l, err := ReadLogo([]byte(c.data)); err == nil || l != nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func branded(t *testing.T, accent string, logo []byte) *Files {
	t.Helper()
	f := New()
	var a *Accent
	var l *Logo
	var err error
	if accent != "" {
		if a, err = ParseAccent(accent); err != nil {
			t.Fatal(err)
		}
	}
	if logo != nil {
		if l, err = ReadLogo(logo); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Brand(a, l); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestALogoIsServedWithoutAnyRights(t *testing.T) {
	for name, c := range map[string]struct {
		logo        []byte
		contentType string
	}{"a drawing": {[]byte(drawing), "image/svg+xml"}, "a picture": {picture(300, 200), "image/png"}} {
		f := branded(t, "", c.logo)
		res := ask(f, "GET", f.Logo().URL)
		if res.StatusCode != 200 || res.Header.Get("Content-Type") != c.contentType || res.Header.Get("ETag") == "" ||
			res.Header.Get("Content-Security-Policy") != "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox" || res.Header.Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s: %d %v", name, res.StatusCode, res.Header)
		}
		if !strings.HasPrefix(f.Logo().URL, "/static/logo.") {
			t.Errorf("%s: it is at %s", name, f.Logo().URL)
		}
	}
	f := branded(t, "", []byte(drawing))
	if got := read(t, ask(f, "GET", f.Logo().URL).Body); string(got) != drawing {
		t.Errorf("the drawing is served as %s", got)
	}
	if f.logo.PNG() != nil || f.TouchIcon() != "" || len(f.Icons()) != 1 || f.Icons()[0] != (Icon{f.Logo().URL, "image/svg+xml", "any"}) {
		t.Errorf("icons: %v", f.Icons())
	}
	if f := New(); f.Logo() != nil || f.TouchIcon() == "" || len(f.Icons()) != 4 {
		t.Error("without a logo, there are not ours")
	}
}

// A picture becomes icons, each a square of the size that it says, and stays small enough for every page.
func TestAPictureBecomesIcons(t *testing.T) {
	f := branded(t, "", picture(600, 200))
	sizes := map[string]image.Point{f.TouchIcon(): {180, 180}, f.Logo().URL: {324, 108}}
	for _, icon := range f.Icons() {
		sizes[icon.URL] = map[string]image.Point{"48x48": {48, 48}, "192x192": {192, 192}, "512x512": {512, 512}}[icon.Sizes]
	}
	if len(sizes) != 5 {
		t.Errorf("icons: %v", f.Icons())
	}
	for url, want := range sizes {
		m, err := png.Decode(ask(f, "GET", url).Body)
		if err != nil || m.Bounds().Size() != want {
			t.Errorf("%s: %v, want %v (%v)", url, m.Bounds(), want, err)
			continue
		}
		_, _, _, alpha := m.At(0, 0).RGBA()
		if filled := alpha == 0xffff; filled != (url == f.TouchIcon() || url == f.Logo().URL) {
			t.Errorf("%s: the corner's alpha is %d", url, alpha)
		}
	}
	noise := image.NewNRGBA(image.Rect(0, 0, 800, 200))
	random := rand.New(rand.NewPCG(1, 2))
	for i := range noise.Pix {
		noise.Pix[i] = uint8(random.Uint32())
	}
	var b bytes.Buffer
	if err := png.Encode(&b, noise); err != nil {
		t.Fatal(err)
	}
	if got := len(branded(t, "", b.Bytes()).logo.PNG()); got == 0 || got > 40<<10 {
		t.Errorf("a picture of noise is shown in %d bytes", got)
	}
}

func TestAnAccentFollowsTheStyles(t *testing.T) {
	f := branded(t, "#7a1fa2", nil)
	css := string(read(t, ask(f, "GET", f.URL("app.css")).Body))
	if f.URL("app.css") == New().URL("app.css") || !strings.HasPrefix(css, styles()) {
		t.Error("the address or the beginning is not right")
	}
	own := strings.TrimPrefix(css, styles())
	for _, want := range []string{":root {\n  --lk-accent: #7a1fa2;", `:root:not([data-theme="light"])`, `:root[data-theme="dark"] {`} {
		if !strings.Contains(own, want) {
			t.Errorf("%q is missing in %s", want, own)
		}
	}
	accent, _ := ParseAccent("#7a1fa2")
	light, dark := ColoursOf(accent)
	if light.Accent != "#7a1fa2" || light.OnAccent != "#ffffff" || !strings.Contains(own, dark.Accent) || dark.Paper != "#101413" {
		t.Errorf("%v %v", light, dark)
	}
	if light, dark := ColoursOf(nil); light.Accent != "#0b655b" || dark.Accent != "#74d4c4" || dark.OnAccent != "#06231e" || light.Surface != "#ffffff" {
		t.Errorf("ours: %v %v", light, dark)
	}
}
