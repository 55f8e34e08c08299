package auth

import (
	"net/netip"
	"strings"
	"testing"
)

func TestBrowsersHaveOnlyNamesOfOurs(t *testing.T) {
	for header, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                                         "Firefox on Linux",
		"Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36":                              "Chrome on Android",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1":        "Safari on iOS",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36 Edg/126.0":                          "Edge on Windows",
		"Mozilla/5.0 (Linux; Android 13; SAMSUNG SM-S911B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/22.0 Chrome/111.0 Mobile Safari/537.36": "Samsung Browser on Android",
		"Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 YaBrowser/24.1 Safari/537.36":                                 "Yandex Browser on Windows",
		"": UnknownBrowser, "curl/8.5.0": UnknownBrowser, "MyApp/2.1 (Android 14)": UnknownBrowser,
	} {
		if got := DescribeAgent(header).Name; got != want {
			t.Errorf("%q: %q, want %q", header, got, want)
		}
	}
	const evil = "Verify-now-at-evil.example"
	for _, header := range []string{
		evil + "/9", evil + "/9 (Linux)", evil + "/9 (Windows NT 10.0)", evil + "/9 (Android; Mobile)", "Mozilla/5.0 (" + evil + "; Linux) Firefox/" + evil,
		"Mozilla/5.0 (Windows NT 10.0) Chrome/1 " + evil + "/9 Safari/1", "Mozilla/5.0 (Linux; Android 14; " + evil + ") Version/1", evil, "(" + evil + ")",
		"Mozilla/5.0 (Macintosh) " + evil, "GoogleProber " + evil + "/1 (Linux)", "Mozilla/5.0 (iPhone) XiaoMi/" + evil, "http://" + evil + " (Linux)", "Chrome " + evil + "/1 (X11; Linux) Safari/1",
	} {
		if got := DescribeAgent(header); strings.Contains(strings.ToLower(got.Name), "evil") || strings.Contains(got.Name, "erify") {
			t.Errorf("%q: %q", header, got.Name)
		}
	}
}

// An IPv6 zone may be any text, and a domain may hold sentences.
func TestAddressesInMailsHoldNoWords(t *testing.T) {
	from := Caller{IP: netip.MustParseAddr("fe80::1%verify-now-at-evil.example")}
	if got := from.Address(); got != "fe80::1" {
		t.Errorf("from %q", got)
	}
	for email, want := range map[string]string{
		"leila@example.org": "l…@example.org", "é@example.org": "é…@example.org",
		"x@" + strings.Repeat("your-account-is-locked.", 5) + "evil.example": "x…@…nt-is-locked.your-account-is-locked." + "evil.example",
	} {
		got := MaskEmail(email)
		if domain := got[strings.LastIndexByte(got, '@')+1:]; len([]rune(domain)) > maskedDomain || !strings.HasSuffix(want, got[len(got)-12:]) || len(email) < 40 && got != want {
			t.Errorf("%q is told as %q", email, got)
		}
	}
}
