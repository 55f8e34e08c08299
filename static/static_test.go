package static

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func ask(f *Files, method, path string, headers ...string) *http.Response {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w.Result()
}

func read(t *testing.T, r io.Reader) []byte {
	t.Helper()
	body, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestURLCarriesAHashOfTheContent(t *testing.T) {
	f := New()
	if url := f.URL("app.css"); !regexp.MustCompile(`^/static/app\.[0-9a-f]{8}\.css$`).MatchString(url) {
		t.Errorf("app.css is at %q", url)
	}
	if url := f.URL("pico.min.css"); !regexp.MustCompile(`^/static/pico\.min\.[0-9a-f]{8}\.css$`).MatchString(url) {
		t.Errorf("pico.min.css is at %q", url)
	}
	before := f.URL("app.css")
	f.add("app.css", []byte("changed"))
	if f.URL("app.css") == before {
		t.Error("changed content kept its address")
	}
}

func TestURLOfAnUnknownFilePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	New().URL("nothing.css")
}

func TestFilesAreServedForEver(t *testing.T) {
	f := New()
	for name, contentType := range map[string]string{
		"app.css": "text/css; charset=utf-8", "pico.min.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml",
	} {
		res := ask(f, "GET", f.URL(name))
		want, err := embedded.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != 200 || !bytes.Equal(read(t, res.Body), want) {
			t.Errorf("%s: status %d, or not its content", name, res.StatusCode)
		}
		for header, value := range map[string]string{
			"Content-Type": contentType, "Cache-Control": "public, max-age=31536000, immutable",
			"Vary": "Accept-Encoding", "Content-Encoding": "",
		} {
			if got := res.Header.Get(header); got != value {
				t.Errorf("%s: %s is %q, want %q", name, header, got, value)
			}
		}
	}
}

func TestGzipOnlyForThoseWhoTakeIt(t *testing.T) {
	f := New()
	want := read(t, ask(f, "GET", f.URL("app.css")).Body)
	for accept, zipped := range map[string]bool{
		"": false, "gzip": true, "br, GZIP;q=0.5": true, "gzip;q=0": false, "gzip; q=0.000": false,
		"identity": false, "*": false, "deflate,gzip": true, "gzip;q=x": false, "xgzip": false,
	} {
		res := ask(f, "GET", f.URL("app.css"), "Accept-Encoding", accept)
		body := read(t, res.Body)
		if got := res.Header.Get("Content-Encoding") == "gzip"; got != zipped {
			t.Errorf("Accept-Encoding %q: gzip %v, want %v", accept, got, zipped)
			continue
		}
		if zipped {
			zr, err := gzip.NewReader(bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			body = read(t, zr)
		}
		if !bytes.Equal(body, want) {
			t.Errorf("Accept-Encoding %q: another content", accept)
		}
	}
}

func TestETagAnswersARevalidation(t *testing.T) {
	f := New()
	plain := ask(f, "GET", f.URL("app.css")).Header.Get("ETag")
	zipped := ask(f, "GET", f.URL("app.css"), "Accept-Encoding", "gzip").Header.Get("ETag")
	if plain == "" || plain == zipped {
		t.Fatalf("ETags %q and %q, want two different ones", plain, zipped)
	}
	if res := ask(f, "GET", f.URL("app.css"), "If-None-Match", plain); res.StatusCode != http.StatusNotModified {
		t.Errorf("same ETag: %d, want 304", res.StatusCode)
	}
	if res := ask(f, "GET", f.URL("app.css"), "If-None-Match", `"other"`); res.StatusCode != http.StatusOK {
		t.Errorf("other ETag: %d, want 200", res.StatusCode)
	}
}

func TestOnlyGetAndHead(t *testing.T) {
	f := New()
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
		if res := ask(f, method, f.URL("app.css")); res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d, Allow %q", method, res.StatusCode, res.Header.Get("Allow"))
		}
	}
	res := ask(f, "HEAD", f.URL("app.css"))
	if body := read(t, res.Body); res.StatusCode != 200 || len(body) != 0 || res.Header.Get("Content-Type") == "" {
		t.Errorf("HEAD: %d with %d bytes", res.StatusCode, len(body))
	}
}

func TestEverythingElseIsNotFound(t *testing.T) {
	f := New()
	hashed := f.URL("app.css")
	for _, path := range []string{
		"/static/", "/static", "/static/app.css", "/static/app.00000000.css", "/static/static.go", "/static/LICENSE-pico.md",
		"/static/../static.go", hashed + "/", "/static/" + hashed, strings.ToUpper(hashed), "/static/app..css",
	} {
		res := ask(f, "GET", path)
		if res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, res.StatusCode)
		}
		if res.Header.Get("Cache-Control") != "" {
			t.Errorf("%s: what is not found must not be kept", path)
		}
	}
}

// TestStylesStayLight keeps the first visit fast on a bad line.
func TestStylesStayLight(t *testing.T) {
	f, total := New(), 0
	for url, a := range f.assets {
		if strings.HasSuffix(url, ".css") {
			total += len(a.zipped())
		}
	}
	if total == 0 || total > 30_000 {
		t.Errorf("the styles are %d bytes compressed, want at most 30000", total)
	}
}

// TestStylesNeedNothingElse: the content security policy allows our own files and data: images only.
func TestStylesNeedNothingElse(t *testing.T) {
	for _, name := range []string{"app.css", "pico.min.css"} {
		content, err := embedded.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(content), "@import") {
			t.Errorf("%s imports", name)
		}
		for _, m := range regexp.MustCompile(`url\(["']?([^"')]{0,20})`).FindAllStringSubmatch(string(content), -1) {
			if !strings.HasPrefix(m[1], "data:image/") {
				t.Errorf("%s fetches %s…", name, m[1])
			}
		}
	}
}

// The script says what the page gives it to say: a page in another language says it in that language. Of the relative times, which it
// refreshes on English pages only, none begins or ends as a sentence does.
func TestTheScriptHasNoSentencesOfItsOwn(t *testing.T) {
	script, err := embedded.ReadFile("app.js")
	if err != nil {
		t.Fatal(err)
	}
	code := regexp.MustCompile(`(?m)//.*$|\$\{[^}]*\}`).ReplaceAllString(string(script), "")
	sentence := regexp.MustCompile(`^[A-Z][a-z]*([ .,:].*)?$|[a-z]\.$`)
	for _, literal := range regexp.MustCompile("\"[^\"\n]*\"|`[^`]*`").FindAllString(code, -1) {
		if said := literal[1 : len(literal)-1]; sentence.MatchString(said) {
			t.Errorf("%q belongs into the catalogue, and into an attribute of the element that shows it", said)
		}
	}
}
