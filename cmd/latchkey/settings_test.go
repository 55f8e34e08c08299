package main

import (
	"fmt"
	"io"
	"net"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/auth"
	"latchkey/auth/services"
	"latchkey/models/modelstest"
)

// table is every setting that has a flag, with its default, another good value and bad ones.
var table = []struct {
	variable, flag string
	standard       string // as fmt prints the default
	other, shown   string // another value, and as fmt prints it
	bad            []string
}{
	{"LATCHKEY_ADDR", "--addr", "localhost:8080", ":9000", ":9000", []string{"localhost", "a:b:c"}},
	{"LATCHKEY_BASE_URL", "--base-url", "", "https://id.example.com/", "https://id.example.com/",
		[]string{"id.example.com", "ftp://id.example.com", "https://", "https://id.example.com/path", "https://id.example.com?q", "https://a:hunter2hunter2@id.example.com", "https://id.example.com#f"}},
	{"LATCHKEY_SECRET_FILE", "--secret-file", "", "/run/secret", "/run/secret", nil},
	{"LATCHKEY_ISSUER", "--issuer", "", "https://iss.example.com", "https://iss.example.com", nil},
	{"LATCHKEY_AUDIENCE", "--audience", "", "api", "api", nil},
	{"LATCHKEY_SIGNING_ALG", "--signing-alg", "ES256", "EdDSA", "EdDSA", []string{"HS256", "none", "es256"}},
	{"LATCHKEY_ACCESS_TTL", "--access-ttl", "15m0s", "5m", "5m0s", []string{"15", "abc", "-5m", "0s", "1s", "48h"}},
	{"LATCHKEY_STATUS_TTL", "--status-ttl", "30s", "45s", "45s", []string{"30", "1500ms", "-1s", "48h"}},
	{"LATCHKEY_DEVICE_LIFETIME", "--device-lifetime", "2160h0m0s", "48h", "48h0m0s", []string{"90d", "0s", "-1h"}},
	{"LATCHKEY_DEVICE_IDLE", "--device-idle", "720h0m0s", "24h", "24h0m0s", []string{"30d", "0s", "-1h"}},
	{"LATCHKEY_MAX_REFRESHES", "--max-refreshes", "0", "500", "500", []string{"-1", "many", "1.5", "99999999999999999999"}},
	{"LATCHKEY_RETRY_WINDOW", "--retry-window", "10s", "0s", "0s", []string{"10", "-1s", "2h"}},
	{"LATCHKEY_BROWSER_LIFETIME", "--browser-lifetime", "720h0m0s", "24h", "24h0m0s", []string{"x", "0s"}},
	{"LATCHKEY_BROWSER_IDLE", "--browser-idle", "24h0m0s", "2h", "2h0m0s", []string{"x", "0s"}},
	{"LATCHKEY_MAX_DEVICES", "--max-devices", "100", "5", "5", []string{"0", "-1", "x"}},
	{"LATCHKEY_SIGNUP", "--signup", "closed", "open", "open", []string{"yes", "true", "Open"}},
	{"LATCHKEY_PASSWORD_MIN", "--password-min", "12", "8", "8", []string{"7", "0", "x", "129"}},
	{"LATCHKEY_DEVICE_NAME_CLAIM", "--device-name-claim", "on", "off", "off", []string{"no", "1"}},
	{"LATCHKEY_SECOND_FACTOR", "--second-factor", "", "required", "required", []string{"on", "all", "Support"}},
	{"LATCHKEY_DPOP", "--dpop", "optional", "required", "required", []string{"on", "off"}},
	{"LATCHKEY_DPOP_NONCE", "--dpop-nonce", "off", "required", "required", []string{"on", "optional"}},
	{"LATCHKEY_INCIDENT_MAIL_RATE", "--incident-mail-rate", "60", "6", "6", []string{"-1", "60001", "x", "1m"}},
	{"LATCHKEY_DB_CONNS", "--db-conns", "16", "4", "4", []string{"0", "-1", "x"}},
	{"LATCHKEY_TRUSTED_PROXIES", "--trusted-proxies", "[]", "10.0.0.0/8, fd00::/8", "[10.0.0.0/8 fd00::/8]", []string{"10.0.0.1", "10.0.0.0/33", "proxy"}},
	{"LATCHKEY_DRAIN", "--drain", "0s", "30s", "30s", []string{"30", "-1s", "2h"}},
	{"LATCHKEY_LOG", "--log", "text", "json", "json", []string{"xml", "debug"}},
	{"LATCHKEY_LOG_IP", "--log-ip", "hash", "full", "full", []string{"on", "none", "Full"}},
	{"LATCHKEY_MAIL_FROM", "--mail-from", "", "Example <no-reply@example.com>", "Example <no-reply@example.com>", []string{"nobody", "a@b@c", "a@b.c, d@e.f"}},
	{"LATCHKEY_MAIL_REPLY_TO", "--mail-reply-to", "", "Help <help@example.com>", "Help <help@example.com>", []string{"nobody", "a@b@c", "a@b.c, d@e.f", "help@example.com\r\nBcc: all@example.com"}},
	{"LATCHKEY_BRAND_NAME", "--brand-name", "", " Müller & Söhne <3 ", "Müller & Söhne <3", []string{
		"Acme\r\nBcc: all@example.com", "Ac\tme", "Acme\u2028Corp", "Acme \u202egnp", "\u2067Acme", "\u200b", "...", strings.Repeat("W", 65), "Ac\xffme", "Acme\x7f"}},
	{"LATCHKEY_BRAND_LOGO", "--brand-logo", "", "/etc/latchkey/logo.svg", "/etc/latchkey/logo.svg", nil},
	{"LATCHKEY_BRAND_ACCENT", "--brand-accent", "", "#7a1fa2", "#7a1fa2", []string{"teal", "#12", "#ffcc00", "#fff", "rgb(0,0,0)", "#000;}"}},
	{"LATCHKEY_BRAND_SUPPORT_URL", "--brand-support-url", "", "mailto:help@example.com?subject=Help", "mailto:help@example.com?subject=Help",
		[]string{"help@example.com", "http://example.com/help", "javascript:alert(1)", "mailto:", "mailto:help", "mailto:a@b.example,c@d.example", "mailto:Help <help@example.com>", "https://", "tel:+49", "/help", "//example.com"}},
	{"LATCHKEY_BRAND_TERMS_URL", "--brand-terms-url", "", "https://example.com/terms?v=2#a", "https://example.com/terms?v=2#a",
		[]string{"http://example.com/terms", "mailto:a@example.com", "javascript:alert(1)", "https://user:hunter2@example.com", "example.com/terms", "https://exa mple.com", "https://example.com/\"><script>", "https://example.com/\r\nX: y", "https://bücher.example", "data:text/html,x"}},
	{"LATCHKEY_BRAND_PRIVACY_URL", "--brand-privacy-url", "", "https://example.com/privacy", "https://example.com/privacy", []string{"http://example.com", "file:///etc/passwd"}},
	{"LATCHKEY_BRAND_IMPRINT_URL", "--brand-imprint-url", "", "https://example.com/imprint", "https://example.com/imprint", []string{"HTTP://example.com", "imprint"}},
	{"LATCHKEY_BREACH_URL", "--breach-url", "", "https://breaches.example.com/range/", "https://breaches.example.com/range/",
		[]string{"breaches.example.com", "http://breaches.example.com/range", "https://user:hunter2@breaches.example.com", "https://breaches.example.com/?x=1", "ftp://breaches.example.com", "https://", "http://127.0.0.1.example.com"}},
	{"LATCHKEY_SECURITY_CONTACT", "--security-contact", "[]", "security@example.com,https://example.com/report", "[security@example.com https://example.com/report]",
		[]string{"nonsense", "http://example.com", "a@example.com,b"}},
	{"LATCHKEY_LANGUAGES", "--languages", "[]", "en", "[en]", []string{"English", "EN", "en,xx", "en-XA", "ar-XB"}},
	{"LATCHKEY_GEO_DATABASE", "--geo-database", "", "/var/lib/geo/city.mmdb", "/var/lib/geo/city.mmdb", nil}, // see TestAStartThatCannotSucceedSaysWhy
	{"LATCHKEY_METRICS_ADDR", "--metrics-addr", "", "localhost:9090", "localhost:9090", []string{"9090"}},
}

// read reads one setting the way that the program does.
func read(t *testing.T, variable string, args ...string) string {
	t.Helper()
	var c cli
	if _, err := c.parse(append(args, "version"), io.Discard, io.Discard); err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	settings := reflect.ValueOf(c.Settings)
	for i := range settings.NumField() {
		if settings.Type().Field(i).Tag.Get("env") == variable {
			return fmt.Sprint(settings.Field(i).Interface())
		}
	}
	t.Fatalf("no such setting: %s", variable)
	return ""
}

func TestEverySettingIsAVariableAndAFlagAndFlagsWin(t *testing.T) {
	for _, s := range table {
		t.Run(s.variable, func(t *testing.T) {
			if got := read(t, s.variable); got != s.standard {
				t.Errorf("the default is %q, want %q", got, s.standard)
			}
			t.Setenv(s.variable, "")
			if got := read(t, s.variable); got != s.standard {
				t.Errorf("set to nothing it is %q, want the default %q", got, s.standard)
			}
			if got := read(t, s.variable, s.flag+"="+s.other); got != s.shown {
				t.Errorf("by flag it is %q, want %q", got, s.shown)
			}
			t.Setenv(s.variable, s.other)
			if got := read(t, s.variable); got != s.shown {
				t.Errorf("by variable it is %q, want %q", got, s.shown)
			}
			if s.standard != "" && s.standard != "[]" {
				if got := read(t, s.variable, s.flag, s.standard); got != s.standard {
					t.Errorf("with both it is %q, want the flag's %q", got, s.standard)
				}
			}
		})
	}
	known := map[string]bool{}
	for _, s := range table {
		known[s.variable] = true
	}
	fields := reflect.TypeFor[Settings]()
	for i := range fields.NumField() {
		if variable := fields.Field(i).Tag.Get("env"); variable != "" && !known[variable] {
			t.Errorf("%s is not tested", variable)
		}
	}
}

func TestAMalformedSettingIsNamed(t *testing.T) {
	for _, s := range table {
		for _, bad := range s.bad {
			t.Run(s.variable+"="+bad, func(t *testing.T) {
				command(t, "", "", "version", s.flag+"="+bad).refuses(t, 2, s.variable+": ")
				t.Setenv(s.variable, bad)
				o := command(t, "", "", "version")
				if o.refuses(t, 2, s.variable+": "); strings.Contains(o.stderr, "hunter2") {
					t.Errorf("a password is echoed: %s", o.stderr)
				}
			})
		}
	}
}

func TestSettingsReachTheService(t *testing.T) {
	for _, s := range table {
		if !strings.HasSuffix(s.variable, "_FILE") {
			t.Setenv(s.variable, s.other)
		}
	}
	settings := defaults(t, "")
	want := services.Config{
		Name: "Müller & Söhne <3", Issuer: "https://iss.example.com", Audience: "api", SigningAlg: "EdDSA", AccessTTL: 5 * time.Minute, StatusTTL: 45 * time.Second,
		DeviceLifetime: 48 * time.Hour, DeviceIdle: 24 * time.Hour, BrowserLifetime: 24 * time.Hour, BrowserIdle: 2 * time.Hour,
		MaxRefreshes: 500, MaxDevices: 5, SignupOpen: true, PasswordMin: 8, IncidentMailRate: 6, DPoPRequired: true, NonceRequired: true, SecondFactor: auth.FactorRequired,
	}
	if got := settings.services(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestTheBaseURLFollowsTheListener(t *testing.T) {
	for _, c := range []struct{ addr, base, want string }{
		{"localhost:0", "", "http://localhost:4711"},
		{"127.0.0.1:0", "", "http://127.0.0.1:4711"},
		{":0", "", "http://localhost:4711"},
		{"0.0.0.0:0", "", "http://localhost:4711"},
		{"[::]:0", "", "http://localhost:4711"},
		{"[::1]:0", "", "http://[::1]:4711"},
		{":0", "https://id.example.com/", "https://id.example.com"},
	} {
		s := Settings{Addr: c.addr, BaseURL: c.base}
		if got := s.origin(&net.TCPAddr{Port: 4711}); got != c.want {
			t.Errorf("%q, %q: %q, want %q", c.addr, c.base, got, c.want)
		}
	}
}

func TestTheAccessTokenCarriesTheConfiguredNames(t *testing.T) {
	url := modelstest.SQLite(t)
	addUser(t, url, ada)
	s := serve(t, url, func(s *Settings) {
		s.Issuer, s.Audience, s.DeviceNameClaim, s.SigningAlg = "https://iss.example.com", "api", "off", "RS256"
	})
	token := login(t, s.URL(), ada, password, "phone").want(t, 200).field("access_token")
	claims, err := s.Services.Tokens.Verify(token)
	if err != nil {
		t.Fatal(err)
	}
	if claims.Issuer != "https://iss.example.com" || !slices.Equal(claims.Audience, []string{"api", "https://iss.example.com"}) || claims.DeviceName != "" {
		t.Errorf("claims: %+v", claims)
	}
	get(t, s.URL()+"/.well-known/oauth-authorization-server").want(t, 200, "issuer", "https://iss.example.com", "token_endpoint", s.URL()+"/oauth/token")
}

func TestAMisspeltSettingIsWarnedOf(t *testing.T) {
	t.Setenv("LATCHKEY_ACESS_TTL", "5m")
	t.Setenv("LATCHKEY_DATABASE", "sqlite:x")
	t.Setenv("LATCHKEY_LOG", "json")
	if got := unknownSettings(); len(got) != 1 || got[0] != "LATCHKEY_ACESS_TTL" {
		t.Errorf("unknown: %v", got)
	}
}
