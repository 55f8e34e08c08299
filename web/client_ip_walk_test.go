package web

import (
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
