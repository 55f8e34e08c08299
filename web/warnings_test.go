package web

import (
	"net/url"
	"testing"
)

func TestWhichBaseURLsAreWarnedOf(t *testing.T) {
	for host, want := range map[string]bool{
		"id.example.com": true, "ID.EXAMPLE.COM.": true, "bücher.example": true,
		"203.0.113.5": true, "203.0.113.5.": true, "100.64.0.1": true, "0.0.0.0": true,
		"3405803781": true, "0xcb007105": true, "0313.0.0161.05": true, "0xCB.0.113.5": true, "203.0.28933": true, "203.28933": true, "3405803781.": true,
		"２０３.０.１１３.５": true, "203。0。113。5": true,
		"[2001:db8::1]": true, "[::ffff:203.0.113.5]": true, "[::ffff:cb00:7105]": true, "[64:ff9b::cb00:7105]": true, "[::]": true, "[fec0::1]": true,
		"999999999999": true, "256.1.1.1": true, // no address, but no name of a private network either

		"localhost": false, "id": false, "id.localhost": false, "id.local": false, "id.home.arpa": false, "a1.internal": false, "0xyz": false, "id.lan.": false,
		"127.0.0.1": false, "127.1": false, "2130706433": false, "0x7f000001": false, "017700000001": false, "127.0.0.1.": false, "１２７.0.0.1": false,
		"10.1.2.3": false, "10.1": false, "192.168.7.9": false, "3232237321": false, "172.16.0.1": false, "169.254.1.1": false,
		"[::1]": false, "[0:0:0:0:0:0:0:1]": false, "[::ffff:127.0.0.1]": false, "[::ffff:10.0.0.1]": false, "[fd00::1]": false, "[fe80::1]": false, "[fe80::1%25eth0]": false,
	} {
		for _, origin := range []string{"http://" + host, "http://" + host + ":8080"} {
			base, err := url.Parse(origin)
			if err != nil {
				t.Fatal(err)
			}
			if got := len(baseURLWarnings(base)) > 0; got != want {
				t.Errorf("%s: warned %t", origin, got)
			}
			base.Scheme = "https"
			if len(baseURLWarnings(base)) > 0 {
				t.Errorf("%s: warned", base)
			}
		}
	}
}

func TestWhichTrustedProxiesAreWarnedOf(t *testing.T) {
	many := func(list ...string) []string { return list }
	for name, c := range map[string]struct {
		cidrs []string
		want  bool
	}{
		"all of IPv4":                 {many("0.0.0.0/0"), true},
		"all of IPv4 in two":          {many("0.0.0.0/1", "128.0.0.0/1"), true},
		"all of IPv4 in four":         {many("0.0.0.0/2", "64.0.0.0/2", "128.0.0.0/2", "192.0.0.0/2"), true},
		"half of IPv4, twice":         {many("128.0.0.0/1", "128.0.0.0/2"), true},
		"all of IPv6":                 {many("::/0"), true},
		"all of IPv6 in two":          {many("::/1", "8000::/1"), true},
		"the half that is in use":     {many("::/1"), true},
		"public IPv6 in eight":        {many("2000::/6", "2400::/6", "2800::/6", "2c00::/6", "3000::/6", "3400::/6", "3800::/6", "3c00::/6"), true},
		"IPv4 in the mapped form":     {many("::ffff:0:0/96"), true},
		"the mapped form in two":      {many("::ffff:0:0/97", "::ffff:128.0.0.0/97"), true},
		"IPv4 behind a translator":    {many("64:ff9b::/96"), true},
		"a translator's halves":       {many("64:ff9b::/97", "64:ff9b::8000:0/97"), true},
		"a local translator":          {many("64:ff9b:1::/48"), true},
		"the other half":              {many("8000::/1"), false}, // no host has an IP address there
		"private networks":            {many("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "fd00::/8", "::1/128", "fe80::/10"), false},
		"private networks, mapped":    {many("::ffff:10.0.0.0/104"), false},
		"a provider's networks":       {many("173.245.48.0/20", "104.16.0.0/13", "2400:cb00::/32", "2606:4700::/32"), false},
		"networks within one another": {many("0.0.0.0/3", "0.0.0.0/3", "1.0.0.0/8", "0.0.0.0/5"), false},
		"any address of it":           {many("1.2.3.4/0"), true},
		"among others":                {many("10.0.0.0/8", "::/0"), true},
		"none":                        {nil, false},
	} {
		p, err := parseProxies(c.cidrs)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(p.warnings()) > 0; got != c.want {
			t.Errorf("%s: warned %t", name, got)
		}
	}
}
