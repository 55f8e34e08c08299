package origin_test

import (
	"net/url"
	"testing"

	"latchkey/auth/origin"
)

func TestOneServerHasOneOrigin(t *testing.T) {
	for text, want := range map[string]string{
		"https://id.example.com":               "https://id.example.com",
		"HTTPS://ID.Example.COM:443/":          "https://id.example.com",
		"http://id.example.com:80":             "http://id.example.com",
		"http://id.example.com:443":            "http://id.example.com:443",
		"https://id.example.com:":              "https://id.example.com",
		"https://id.example.com:8443/path?a=b": "https://id.example.com:8443",
		"https://bücher.example":               "https://xn--bcher-kva.example",
		"https://BÜCHER.example":               "https://xn--bcher-kva.example",
		"https://bu\u0308cher.example":         "https://xn--bcher-kva.example",
		"https://b%C3%BCcher.example":          "https://xn--bcher-kva.example",
		"https://XN--bcher-kva.example":        "https://xn--bcher-kva.example",
		"https://faß.example":                  "https://xn--fa-hia.example",
		"https://日本語。example":                  "https://xn--wgv71a119e.example",
		"https://a_b.example":                  "https://a_b.example",
		"http://[::1]:8080":                    "http://[::1]:8080",
		"http://[0:0:0:0:0:0:0:1]:8080":        "http://[::1]:8080",
		"http://[2001:0DB8:0000::0001]":        "http://[2001:db8::1]",
		"http://[2001:db8:0:0:1:0:0:1]:80":     "http://[2001:db8::1:0:0:1]",
		"http://[::ffff:192.0.2.7]":            "http://[::ffff:c000:207]",
		"http://[0::FFFF:c000:0207]":           "http://[::ffff:c000:207]",
		"http://127.0.0.1:8080":                "http://127.0.0.1:8080",
		"https://[fe80::1%25eth0]":             "https://[fe80::1%eth0]",
		"https://id.example.com./":             "https://id.example.com.",
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := origin.Of(u); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestIdentifiersAreTheSameByTheirNormalForm(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"https://id.example.com", "HTTPS://ID.example.com:443", true},
		{"https://bücher.example/tenant", "https://xn--bcher-kva.example/tenant", true},
		{"http://[::1]:8080", "http://[0:0::1]:8080", true},
		{"api", "api", true},
		{"urn:api", "urn:api", true},
		{"api", "API", false},
		{"urn:API", "URN:API", false},
		{"https://id.example.com", "http://id.example.com", false},
		{"https://id.example.com", "https://id.example.com:8443", false},
		{"https://id.example.com", "https://id.example.com.evil.example", false},
		{"https://id.example.com", "https://user@id.example.com", false},
		{"https://id.example.com/a", "https://id.example.com/A", false},
		{"https://id.example.com/a", "https://id.example.com/a/", false},
		{"https://id.example.com", "https://id.example.com/", false},
		{"https://id.example.com/a?x", "https://id.example.com/a", false},
		{"https://id.example.com#x", "https://id.example.com", false},
		{"https://id.example.com", "//id.example.com", false},
		{"https://id.example.com", "", false},
		{"https://", "http://", false},
		{"bücher.example", "xn--bcher-kva.example", false},
	} {
		if origin.Same(c.a, c.b) != c.same || origin.Same(c.b, c.a) != c.same {
			t.Errorf("%q and %q: %v", c.a, c.b, !c.same)
		}
	}
}

func TestIPv4HostsComeInTheFormThatBrowsersSend(t *testing.T) {
	for name, want := range map[string]string{
		"127.0.0.1": "127.0.0.1", "127.1": "127.0.0.1", "127.0.1": "127.0.0.1", "2130706433": "127.0.0.1", "0x7F000001": "127.0.0.1", "0177.0.0.1": "127.0.0.1",
		"127.0.0.1.": "127.0.0.1", "１２７.0.0.1": "127.0.0.1", "0x": "0.0.0.0", "4294967295": "255.255.255.255", "203.0x7105": "203.0.113.5",
		"4294967296": "4294967296", "256.1.1.1": "256.1.1.1", "1.2.3.4.5": "1.2.3.4.5", "1.2.3.256": "1.2.3.256", "1..2": "1..2", "08": "08", "1.example": "1.example",
		"+1": "+1", "0x+1": "0x+1", "1_0": "1_0", "": "", ".": ".",
	} {
		if got := origin.Host(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestTheOriginOfAServerIsNothingMore(t *testing.T) {
	for _, text := range []string{
		"https://id.example.com", "https://id.example.com/", "HTTPS://id.example.com", "http://localhost:8080", "http://[::1]:8080", "https://bücher.example",
	} {
		if u, err := origin.Parse(text); err != nil || u.Hostname() == "" {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{
		"", "id.example.com", "//id.example.com", "localhost:8080", "ftp://id.example.com", "https://", "https://:443", "https://id.example.com/path",
		"https://id.example.com?a=b", "https://id.example.com?", "https://id.example.com#a", "https://id.example.com/#", "https://user@id.example.com",
		"https://id.example.com:port", "https://id.example.com\n", "mailto:id@example.com",
	} {
		if u, err := origin.Parse(text); err == nil {
			t.Errorf("%q: taken as %v", text, u)
		}
	}
}
