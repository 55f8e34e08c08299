package web

import (
	"net/url"
	"strings"
	"testing"
)

func TestWhoSentARequest(t *testing.T) {
	const peer, unknown = "10.0.0.9", "10.0.0.9 (unknown)"
	trusted, err := parseProxies([]string{"10.0.0.0/8", "::ffff:192.168.7.0/120", "fd00::/8", "fe80::/10"})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		peer      string
		forwarded []string
		want      string
	}{
		"no header at all":                       {"", nil, unknown},
		"an empty header":                        {"", []string{""}, unknown},
		"nothing but commas":                     {"", []string{" , ,", ","}, unknown},
		"an address":                             {"", []string{"198.51.100.7"}, "198.51.100.7"},
		"an address with a port":                 {"", []string{"198.51.100.7:52345"}, "198.51.100.7"},
		"an obfuscated port":                     {"", []string{"198.51.100.7:_p1"}, "198.51.100.7"},
		"IPv6":                                   {"", []string{"2001:db8::7"}, "2001:db8::7"},
		"IPv6 in brackets":                       {"", []string{"[2001:db8::7]"}, "2001:db8::7"},
		"IPv6 with a port":                       {"", []string{"[2001:db8::7]:443"}, "2001:db8::7"},
		"quoted":                                 {"", []string{`"198.51.100.7"`}, "198.51.100.7"},
		"quoted, with brackets and a port":       {"", []string{`"[2001:db8::7]:443"`}, "2001:db8::7"},
		"IPv4 written as IPv6":                   {"", []string{"::ffff:198.51.100.7"}, "198.51.100.7"},
		"IPv4 written as IPv6, a bare port":      {"", []string{"::ffff:198.51.100.7:52345"}, "198.51.100.7"},
		"IPv4 written as IPv6, with a port":      {"", []string{"[::ffff:198.51.100.7]:80"}, "198.51.100.7"},
		"a zone":                                 {"", []string{"2001:db8::7%eth0"}, "2001:db8::7"},
		"a trusted hop with a zone":              {"", []string{"198.51.100.7, fe80::1%eth0"}, "198.51.100.7"},
		"the rightmost stranger":                 {"", []string{"203.0.113.1, 198.51.100.7, 10.0.0.2, fd00::1"}, "198.51.100.7"},
		"a trusted hop with a port":              {"", []string{"198.51.100.7:1, 10.0.0.2:2, [fd00::1]:3"}, "198.51.100.7"},
		"a hop trusted in the mapped form":       {"", []string{"198.51.100.7, 192.168.7.9"}, "198.51.100.7"},
		"several lines are one list":             {"", []string{"203.0.113.1", "198.51.100.7", "10.0.0.2"}, "198.51.100.7"},
		"empty entries":                          {"", []string{"198.51.100.7,, 10.0.0.2, "}, "198.51.100.7"},
		"every hop is trusted":                   {"", []string{"10.1.1.1, 10.0.0.2"}, "10.1.1.1"},
		"a trusted client":                       {"", []string{"10.1.1.1:7"}, "10.1.1.1"},
		"unknown":                                {"", []string{"unknown"}, unknown},
		"an obfuscated identifier":               {"", []string{"_hidden"}, unknown},
		"unknown, behind it what anybody wrote":  {"", []string{"198.51.100.7, unknown, 10.0.0.2"}, unknown},
		"garbage":                                {"", []string{"<script>"}, unknown},
		"a port that is none":                    {"", []string{"198.51.100.7:http"}, unknown},
		"an obfuscated port without a name":      {"", []string{"198.51.100.7:_"}, unknown},
		"a port that is too long":                {"", []string{"198.51.100.7:123456"}, unknown},
		"an address of a group":                  {"", []string{"224.0.0.1"}, unknown},
		"a bracket that is not closed":           {"", []string{"[2001:db8::7"}, unknown},
		"IPv4 in brackets":                       {"", []string{"[198.51.100.7]"}, unknown},
		"an address that nobody has":             {"", []string{"0.0.0.0"}, unknown},
		"a very long entry":                      {"", []string{strings.Repeat("9", 1<<20)}, unknown},
		"a very long list of trusted hops":       {"", []string{"198.51.100.7" + strings.Repeat(", 10.0.0.2", 100_000)}, unknown},
		"a very long list, of which one is read": {"", []string{strings.Repeat("a, ", 100_000) + "198.51.100.7"}, "198.51.100.7"},
		"a stranger's header":                    {"203.0.113.5:4000", []string{"198.51.100.7"}, "203.0.113.5"},
		"a stranger without a header":            {"[2001:db8::5]:4000", nil, "2001:db8::5"},
		"a peer in the mapped form":              {"[::ffff:10.0.0.9]:4000", []string{"198.51.100.7"}, "198.51.100.7"},
		"a peer with a zone":                     {"[fe80::9%eth0]:4000", []string{"198.51.100.7"}, "198.51.100.7"},
		"a peer without an address":              {"@", []string{"198.51.100.7"}, "invalid IP (unknown)"},
	} {
		if c.peer == "" {
			c.peer = peer + ":4000"
		}
		from := trusted.client(c.peer, c.forwarded)
		got := from.IP.String()
		if from.NetworkUnknown {
			got += " (unknown)"
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestProxiesThatAmountToTheWholeInternetAreWarnedOf(t *testing.T) {
	for cidrs, warned := range map[string]bool{
		"":                                     false,
		"10.0.0.0/8,172.16.0.0/12,127.0.0.0/8": false,
		"fc00::/7,::1/128,fe80::/10":           false,
		"0.0.0.0/0":                            true,
		"::/0":                                 true,
		"10.0.0.0/8,::/0":                      true,
		"2000::/3":                             true,
		"0.0.0.0/1,128.0.0.0/1":                true,
		"128.0.0.0/2,0.0.0.0/2,64.0.0.0/2":     true,
		"::/1,8000::/1":                        true,
		"2000::/4,3000::/4":                    true,
		"::ffff:0.0.0.0/96":                    true,
		"1.2.3.4/0":                            true,
		"3.0.0.0/8,3.1.0.0/16,3.2.0.0/16":      false,
		"2400:cb00::/32,2606:4700::/32":        false,
		"0.0.0.0/3,0.0.0.0/3,1.0.0.0/8,0.0.0.0/5": false,
	} {
		var list []string
		if cidrs != "" {
			list = strings.Split(cidrs, ",")
		}
		p, err := parseProxies(list)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(p.warnings()) > 0; got != warned {
			t.Errorf("%q: warned %v, want %v", cidrs, got, warned)
		}
	}
}

func TestAPublicOriginWithoutTLSIsWarnedOf(t *testing.T) {
	for origin, warned := range map[string]bool{
		"https://id.example.com": false, "http://id.example.com": true, "http://ID.EXAMPLE.COM.:8080": true, "http://203.0.113.5": true,
		"http://[2001:db8::1]:8080": true, "http://localhost:8080": false, "http://127.0.0.1:8080": false, "http://[::1]:8080": false,
		"http://app.localhost": false, "http://latchkey:8080": false, "http://192.168.1.5": false, "http://nas.local": false, "http://[fd00::1]": false,
	} {
		u, err := url.Parse(origin)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(baseURLWarnings(u)) > 0; got != warned {
			t.Errorf("%s: warned %v, want %v", origin, got, warned)
		}
	}
}
