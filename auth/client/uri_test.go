package client

import (
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"
)

func TestRedirectURIsHaveOneSpelling(t *testing.T) {
	for _, good := range []string{
		"https://app.example.com/callback", "https://app.example.com", "https://app.example.com/", "https://app.example.com:8443/a/b?x=1&next=%2Fhome",
		"https://xn--bcher-kva.example/cb", "https://192.0.2.1/cb", "https://[2001:db8::1]:8443/cb", "https://localhost/cb", "https://a.example/caf%C3%A9/a;b=1",
		"https://a_b.example/..x/x..", "https://a.example/?u=https://b.example/../x",
		"http://127.0.0.1/cb", "http://127.0.0.1:8080/cb", "http://[::1]/cb", "http://[::1]:49152", "http://127.0.0.1",
		"com.example.app:/callback", "com.example.app:///callback", "com.example.app://callback", "com.example.app://callback/done?x=1", "com.example-2.4app:/",
	} {
		if problem := problemWithRedirect(good); problem != "" {
			t.Errorf("%s %s", good, problem)
		}
		if !matchesRedirect([]string{good}, good) {
			t.Errorf("%s does not match itself", good)
		}
	}
	for name, bad := range map[string]string{
		"nothing":                           "",
		"a path":                            "/callback",
		"no scheme":                         "app.example.com/callback",
		"a network path":                    "//app.example.com/callback",
		"no host":                           "https:///callback",
		"no slashes":                        "https:callback",
		"one slash":                         "https:/app.example.com/cb",
		"a capital scheme":                  "HTTPS://app.example.com/cb",
		"a mixed scheme":                    "hTTps://app.example.com/cb",
		"a capital host":                    "https://App.example.com/cb",
		"a capital private scheme":          "com.Example.app:/cb",
		"a fragment":                        "https://app.example.com/cb#x",
		"an empty fragment":                 "https://app.example.com/cb#",
		"a user":                            "https://app.example.com@evil.example/cb",
		"a user and a password":             "https://a:b@app.example.com/cb",
		"an empty user":                     "https://@app.example.com/cb",
		"a user of a loopback address":      "http://127.0.0.1@evil.example/cb",
		"a port like a password":            "https://app.example.com:443@evil.example/cb",
		"a wildcard host":                   "https://*.example.com/cb",
		"a wildcard path":                   "https://app.example.com/*",
		"a dot segment":                     "https://app.example.com/a/../cb",
		"a dot segment at the end":          "https://app.example.com/cb/..",
		"a single dot":                      "https://app.example.com/./cb",
		"a dot segment with a parameter":    "https://app.example.com/..;x/cb",
		"an encoded dot":                    "https://app.example.com/%2e%2e/cb",
		"half an encoded dot segment":       "https://app.example.com/.%2E/cb",
		"a dot encoded twice":               "https://app.example.com/%252e%252e/cb",
		"an encoded letter":                 "https://app.example.com/%63b",
		"an encoded slash":                  "https://app.example.com/a%2Fb",
		"an encoded backslash":              "https://app.example.com/a%5cb",
		"an encoded line break":             "https://app.example.com/cb?x=%0d%0aSet-Cookie:x",
		"an encoded NUL":                    "https://app.example.com/cb%00",
		"a bad percent sign":                "https://app.example.com/cb%zz",
		"a percent sign at the end":         "https://app.example.com/cb%2",
		"a backslash":                       `https://app.example.com\@evil.example/cb`,
		"a backslash for a slash":           `https:\\app.example.com/cb`,
		"a tab":                             "https://app.example.com/c\tb",
		"a line break":                      "https://app.example.com/cb\n",
		"a NUL":                             "https://app.example.com/cb\x00",
		"a space":                           "https://app.example.com/c b",
		"a space before":                    " https://app.example.com/cb",
		"a no-break space":                  "https://app.example.com/cb\u00a0",
		"two URIs":                          "https://app.example.com/cb https://evil.example/cb",
		"quotes":                            `https://app.example.com/"cb"`,
		"angle brackets":                    "https://app.example.com/<cb>",
		"a name that is not ASCII":          "https://bücher.example/cb",
		"a wide dot":                        "https://app。example.com/cb",
		"an encoded host":                   "https://app%2eexample.com/cb",
		"a trailing dot":                    "https://app.example.com./cb",
		"two dots":                          "https://app..example.com/cb",
		"a hyphen first":                    "https://-app.example.com/cb",
		"the port of https":                 "https://app.example.com:443/cb",
		"the port of http":                  "http://127.0.0.1:80/cb",
		"an empty port":                     "https://app.example.com:/cb",
		"port 0":                            "http://127.0.0.1:0/cb",
		"port 65536":                        "http://127.0.0.1:65536/cb",
		"a port with a zero before":         "http://127.0.0.1:08080/cb",
		"a port with a sign":                "http://127.0.0.1:+80/cb",
		"a port that is a word":             "http://127.0.0.1:http/cb",
		"http":                              "http://app.example.com/cb",
		"localhost":                         "http://localhost:8080/cb",
		"a name under localhost":            "http://app.localhost/cb",
		"a name that begins so":             "http://localhost.evil.example/cb",
		"a loopback address as a name":      "http://127.0.0.1.evil.example/cb",
		"another loopback address":          "http://127.0.0.2/cb",
		"a short address":                   "http://127.1/cb",
		"an octal address":                  "http://0177.0.0.1/cb",
		"a hexadecimal address":             "http://0x7f000001/cb",
		"an address as one number":          "http://2130706433/cb",
		"every address":                     "http://0.0.0.0/cb",
		"an address of https in hex":        "https://0xc0000201/cb",
		"a number too large":                "https://1.2.3.999/cb",
		"a long IPv6 loopback address":      "http://[0:0:0:0:0:0:0:1]/cb",
		"an IPv4 address in IPv6":           "http://[::ffff:127.0.0.1]/cb",
		"an IPv6 address with a zone":       "https://[fe80::1%25eth0]/cb",
		"an IPv6 address without brackets":  "http://::1/cb",
		"a bracket that is not closed":      "http://[::1/cb",
		"a name in brackets":                "https://[app.example.com]/cb",
		"a scheme without a dot":            "myapp:/callback",
		"a scheme without a dot and //":     "myapp://callback",
		"a script":                          "javascript:alert(1)//x.y",
		"data":                              "data:text/html,x.y",
		"a file":                            "file:///etc/passwd",
		"a view":                            "view-source:https://app.example.com/",
		"the out-of-band URN":               "urn:ietf:wg:oauth:2.0:oob",
		"a private scheme alone":            "com.example.app:",
		"a private scheme with two slashes": "com.example.app://",
		"a private scheme without a slash":  "com.example.app:callback",
		"a host and a port without https":   "app.example.com:8443",
		"a scheme that ends with a dot":     "com.example.:/cb",
		"a scheme with two dots":            "com..app:/cb",
		"a scheme that begins with a dot":   ".com.app:/cb",
		"a user of a private scheme":        "com.example.app://user@cb",
		"a port of a private scheme":        "com.example.app://cb:80/",
		"a dot segment of one":              "com.example.app:/../cb",
		"more than fits":                    "https://app.example.com/" + strings.Repeat("a", MaxURI),
	} {
		if problem := problemWithRedirect(bad); problem == "" {
			t.Errorf("%s: %q is taken", name, bad)
		}
		if matchesRedirect([]string{bad}, bad) {
			t.Errorf("%s: %q matches, although no client can have it", name, bad)
		}
	}
}

func TestAPresentedRedirectURIIsComparedExactly(t *testing.T) {
	registered := []string{"https://app.example.com/cb", "https://app.example.com/q?x=1", "http://127.0.0.1/native", "http://[::1]:4000/native", "com.example.app:/cb"}
	for _, good := range []string{"http://127.0.0.1:1/native", "http://127.0.0.1:65535/native", "http://[::1]/native", "http://[::1]:5000/native"} {
		if !matchesRedirect(registered, good) {
			t.Errorf("%s is refused", good)
		}
	}
	for _, bad := range []string{
		"", "https://app.example.com/cb/", "https://app.example.com/cb/x", "https://app.example.com/cbx", "https://app.example.com/c", "https://app.example.com/CB", "https://app.example.com//cb",
		"https://app.example.com/cb?", "https://app.example.com/cb?x=1", "https://app.example.com/cb#", "https://app.example.com:8443/cb", "https://app.example.com:443/cb", "http://app.example.com/cb",
		"https://app.example.com.evil.example/cb", "https://evil.example/cb", "https://evil.example/?https://app.example.com/cb", "https://app.example.com@evil.example/cb", "https://App.example.com/cb",
		"https://app.example.com/x/../cb", "https://app.example.com/%63b", "https://app.example.com/q", "https://app.example.com/q?x=1&y=2", "https://app.example.com/q?x=2",
		"http://127.0.0.1:1/native/x", "http://127.0.0.1:1/", "http://127.0.0.1:1/native?x", "http://127.0.0.1:0/native", "http://127.0.0.1:/native", "http://127.0.0.1:x/native", "http://127.0.0.2/native", "https://127.0.0.1/native",
		"http://localhost/native", "http://localhost:1/native", "http://127.0.0.1.evil.example/native", "http://127.0.0.1:1@evil.example/native", "http://[::2]/native", "http://::1/native",
		"com.example.app://cb", "com.example.app:/cb/", "com.example.app:/CB", "COM.example.app:/cb", "com.example.app2:/cb",
	} {
		if matchesRedirect(registered, bad) {
			t.Errorf("%s is taken", bad)
		}
	}
}

func TestBackChannelAddressesAreWeb(t *testing.T) {
	for _, good := range []string{"https://app.example.com/out", "https://app.example.com/out?x=1", "http://127.0.0.1:8080/out", "http://[::1]/out"} {
		if problem := ProblemWithCallback(good); problem != "" {
			t.Errorf("%s %s", good, problem)
		}
	}
	for _, bad := range []string{"", "http://app.example.com/out", "http://localhost/out", "com.example.app:/out", "https://app.example.com/out#x", "https://u@app.example.com/out", "https://APP.example.com/out", "https:///out", "ftp://a.example/"} {
		if ProblemWithCallback(bad) == "" {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestOriginsAreWhatBrowsersSend(t *testing.T) {
	for _, good := range []string{
		"https://app.example.com", "https://app.example.com:8443", "https://localhost", "https://[2001:db8::1]", "capacitor://localhost", "ionic://localhost", "app://.", "app://bundle", "app://-",
		"http://localhost", "http://localhost:5173", "http://127.0.0.1:3000", "http://[::1]:3000", "http://app.localhost:8080",
	} {
		if problem := problemWithOrigin(good); problem != "" {
			t.Errorf("%s %s", good, problem)
		}
	}
	for _, bad := range []string{
		"", "*", "null", "https://*", "https://*.example.com", "https://app.example.com/", "https://app.example.com?", "https://app.example.com/x", "https://app.example.com#", "https://app.example.com:443", "HTTPS://app.example.com",
		"https://App.example.com", "https://u@app.example.com", "https://app.example.com.", "https://bücher.example", "https://", "https:", "app.example.com", "//app.example.com", "http://app.example.com", "http://localhost:80",
		"http://localhost.evil.example", "http://127.1", "http://192.168.0.2", "http://0.0.0.0", "https://a.example https://b.example", "https://a.example,https://b.example", "file://", "file:///", "file://x", "data://x", "blob://x", "ws://a.example",
		"javascript://x", "capacitor://", "capacitor://localhost/", "capacitor://localhost:80", "CAPACITOR://localhost", "app:.", "app://./", "app://a b", "app://u@x", "app://..\\", "https://app.example.com\n",
	} {
		if problemWithOrigin(bad) == "" {
			t.Errorf("%q is taken", bad)
		}
	}
}

// FuzzRedirectURI holds what is taken against net/url, and what matches against equality.
func FuzzRedirectURI(f *testing.F) {
	for _, pair := range [][2]string{
		{"https://app.example.com/cb", "https://app.example.com/cb"}, {"http://127.0.0.1/cb", "http://127.0.0.1:8080/cb"}, {"http://[::1]:1/cb?x", "http://[::1]/cb?x"}, {"com.example.app:/cb", "com.example.app://cb"},
		{"https://a.example/%C3%A9;x", `https://a.example\@b.example`}, {"https://a.example:8443?x=%2F..", "http://127.0.0.1:1@a.example/"}, {"a.b:///", "https://1.2.3.4./"},
	} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, registered, presented string) {
		for _, text := range []string{registered, presented} {
			if problemWithRedirect(text) == "" {
				plainlySafe(t, text)
			}
		}
		matches := matchesRedirect([]string{registered}, presented)
		if registered == presented && matches != (problemWithRedirect(presented) == "") {
			t.Errorf("%q matches itself: %t", presented, matches)
		}
		if matches && registered != presented {
			a, errA := url.Parse(registered)
			b, errB := url.Parse(presented)
			if errA != nil || errB != nil || a.Scheme != "http" || !slices.Contains([]string{"127.0.0.1", "::1"}, a.Hostname()) {
				t.Fatalf("%q matches %q", presented, registered)
			}
			if a.Host, b.Host = a.Hostname(), b.Hostname(); a.String() != b.String() {
				t.Errorf("%q matches %q beyond its port", presented, registered)
			}
		}
	})
}

func plainlySafe(t *testing.T, text string) {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	if u.User != nil || u.Fragment != "" || strings.ContainsAny(text, "#*\\ @\t\r\n") && !strings.Contains(text, "@") || u.Scheme != strings.ToLower(u.Scheme) || u.Host != strings.ToLower(u.Host) {
		t.Errorf("%q is taken", text)
	}
	if clean := path.Clean(u.Path); u.Path != "" && strings.Count(u.Path, "..") > strings.Count(clean, "..") {
		t.Errorf("%q has dot segments", text)
	}
	switch private := strings.Contains(u.Scheme, "."); {
	case u.Scheme == "https" && u.Hostname() != "", private:
	case u.Scheme == "http" && (u.Hostname() == "127.0.0.1" || u.Hostname() == "::1"):
	default:
		t.Errorf("%q is taken", text)
	}
}
