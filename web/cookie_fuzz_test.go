package web

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	sessions "latchkey/auth/browser" // browser is a type of these tests
	"latchkey/views"
)

// FuzzCookies alters what the browser keeps, or sends another cookie's content, or anything at all: who is signed in is
// read from the cookie that we made for that, or no one is.
func FuzzCookies(f *testing.F) {
	c, err := newCookies(Config{Secret: bytes.Repeat([]byte{7}, 32)}, true, time.Hour)
	if err != nil {
		f.Fatal(err)
	}
	want := sessions.Key{UserID: uuid.UUID{1}, DeviceID: uuid.UUID{2}, Secret: [16]byte{3}}
	values := func() (session, flash, mark, text string) {
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
		if err := c.setSession(w, r, want); err != nil {
			f.Fatal(err)
		}
		c.flash(w, r, views.ToneInfo, "Hello.")
		text = c.mark(w, r)
		set := w.Result().Cookies()
		return set[0].Value, set[1].Value, set[2].Value, text
	}
	session, flash, mark, markText := values()
	f.Add(uint8(0), uint16(0), uint16(0), "")
	f.Add(uint8(1), uint16(0), uint16(0), "")
	f.Add(uint8(2), uint16(0), uint16(0), "")
	f.Add(uint8(0), uint16(0), uint16(9999), "MTc=")
	f.Add(uint8(0), uint16(0), uint16(9999), strings.Repeat("A", 5000))
	f.Add(uint8(0), uint16(20), uint16(21), "%")
	f.Add(uint8(0), uint16(len(session)-1), uint16(len(session)), "~")
	f.Fuzz(func(t *testing.T, which uint8, from, to uint16, with string) {
		value := []string{session, flash, mark}[which%3]
		from = min(from, uint16(len(value)))
		to = min(max(to, from), uint16(len(value)))
		value = value[:from] + with + value[to:]
		for _, name := range []string{c.prefix, c.prefix + "-flash", c.prefix + "-browser"} {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("Cookie", name+"="+value)
			w := httptest.NewRecorder()
			if key, ok := c.key(r); ok && (key != want || name != c.prefix || which%3 != 0) {
				t.Fatalf("%s=%q signs in as %+v", name, value, key)
			}
			if got := c.takeFlash(w, r); got != nil && (got.Text != "Hello." || got.Tone != views.ToneInfo || which%3 != 1) {
				t.Fatalf("%s=%q flashes %+v", name, value, got)
			}
			if got := c.mark(w, r); len(got) != len(markText) || got == markText && which%3 != 2 {
				t.Fatalf("%s=%q is the mark %q", name, value, got)
			}
		}
	})
}

// FuzzLocalPath: what is taken for a local path leads a browser to our own site, as it is and as a redirect.
func FuzzLocalPath(f *testing.F) {
	for _, path := range []string{"", "/", "/devices", "/activity?cursor=1-2#x", "//evil.example", `/\evil.example`, "/\t/evil.example", "/\n/evil.example", "\t//evil.example", "https://evil.example",
		"javascript:alert(1)", "/..//evil.example", "/.//evil.example", "/%2f/evil.example", "/%5cevil.example", "/a/../\\evil.example", "/ /evil.example", "///evil.example", "/@evil.example", "/:80", "/?next=//x", "/é", "/\u2028/x", "/\xff", "/#//x", "/a\x7f", "/%", "/%zz"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		got := localPath(path)
		if got == "" {
			return
		}
		if got != path || len(got) > 8<<10 {
			t.Fatalf("%q became %q", path, got)
		}
		if !staysHere(got) {
			t.Fatalf("%q leads to another site", got)
		}
		w := httptest.NewRecorder()
		if err := redirect(w, httptest.NewRequest(http.MethodPost, "/login", nil), got); err != nil {
			t.Fatal(err)
		}
		to := w.Header().Get("Location")
		if !staysHere(to) || !utf8.ValidString(to) {
			t.Fatalf("the redirect to %q goes to %q, another site", got, to)
		}
		base := url.URL{Scheme: "https", Host: "id.example.com", Path: "/login"}
		if u, err := base.Parse(to); err != nil || u.Host != base.Host || u.Scheme != base.Scheme {
			t.Fatalf("the redirect to %q goes to %v, %v", got, u, err)
		}
	})
}

// staysHere resolves a reference as browsers do (WHATWG URL, basic URL parser): C0 controls and spaces are cut off at both
// ends, tabs and line breaks fall out everywhere, a backslash is a slash; then two slashes begin a host, one a path.
func staysHere(reference string) bool {
	s := strings.TrimFunc(reference, func(c rune) bool { return c <= ' ' })
	s = strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/").Replace(s)
	return strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "//")
}
