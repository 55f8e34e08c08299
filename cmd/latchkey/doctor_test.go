package main

import (
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/auth/mail/mailtest"
	"latchkey/models/modelstest"
)

// report is what a run of the doctor found.
type report struct {
	OK       bool
	Findings []finding
}

// readReport parses the outcome of latchkey doctor --json, which must not have the secrets of the tests in it.
func readReport(t *testing.T, o outcome) (r report) {
	t.Helper()
	if err := json.Unmarshal([]byte(o.stdout), &r); err != nil || len(r.Findings) == 0 {
		t.Fatalf("exit %d, %v: %q, %q", o.code, err, o.stdout, o.stderr)
	}
	if problem := slices.ContainsFunc(r.Findings, func(f finding) bool { return f.Level == levelProblem }); problem == r.OK || (o.code == 0) != r.OK || o.code > 1 {
		t.Errorf("exit %d, ok %v, a problem %v", o.code, r.OK, problem)
	}
	for _, secret := range []string{secretOf("a"), secretOf("b"), mailtest.Password, url.QueryEscape(mailtest.Password), ada, "hunter2hunter2"} {
		if strings.Contains(o.stdout+o.stderr, secret) {
			t.Errorf("%q is printed: %s%s", secret, o.stdout, o.stderr)
		}
	}
	for _, f := range r.Findings {
		if bad := f.Level == levelWarning || f.Level == levelProblem; f.Says == "" || bad != (f.Do != "") {
			t.Errorf("says or does too little: %+v", f)
		}
	}
	return r
}

// askDoctor runs the doctor in this process on the database at url.
func askDoctor(t *testing.T, url string) report {
	t.Helper()
	return readReport(t, command(t, url, "", "doctor", "--json"))
}

// want checks that a check found something of a level that says all words.
func (r report) want(t *testing.T, check, level string, words ...string) {
	t.Helper()
	for _, f := range r.Findings {
		says := func(word string) bool { return strings.Contains(f.Says+" "+f.Do, word) }
		if f.Check == check && f.Level == level && !slices.ContainsFunc(words, func(word string) bool { return !says(word) }) {
			return
		}
	}
	t.Errorf("no %s of %s with %q:\n%+v", level, check, words, r.Findings)
}

// behindTLS starts a server and a proxy with TLS before it, which presents a certificate of the test's own or a sound one. It returns what a program that trusts the proxy needs to run on the same database.
func behindTLS(t *testing.T, database string, certificates ...tls.Certificate) (settings []string) {
	t.Helper()
	var to *httputil.ReverseProxy
	proxy := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { to.ServeHTTP(w, r) }))
	proxy.TLS, proxy.Config.ErrorLog = &tls.Config{Certificates: certificates}, log.New(io.Discard, "", 0)
	proxy.StartTLS()
	t.Cleanup(proxy.Close)
	mails := mailtest.Start(t, false)
	server := serve(t, database, func(s *Settings) { s.BaseURL, s.TrustedProxies = proxy.URL, []string{"127.0.0.1/32"} })
	target, err := url.Parse("http://" + server.address.String())
	if err != nil {
		t.Fatal(err)
	}
	to = httputil.NewSingleHostReverseProxy(target)
	roots := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: proxy.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return on(database, "SSL_CERT_FILE="+roots, "LATCHKEY_BASE_URL="+proxy.URL, "LATCHKEY_TRUSTED_PROXIES=127.0.0.1/32",
		"LATCHKEY_SMTP_URL="+smtpURL(mails), "LATCHKEY_MAIL_FROM=no-reply@id.example.com")
}

func TestDoctorFindsNothingWrongWithASoundServer(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, database string) {
		settings := behindTLS(t, database)
		o := launch(t, settings, "doctor").end(t, time.Minute)
		if o.code != 0 || o.stderr != "" {
			t.Errorf("exit %d: %s", o.code, o.stderr)
		}
		for line := range strings.Lines(o.stdout) {
			if !strings.HasPrefix(line, "ok       ") {
				t.Error(line)
			}
		}
		r := readReport(t, launch(t, settings, "doctor", "--json").end(t, time.Minute))
		for _, check := range []string{"settings", "database", "clock", "secret", "keys", "outbox", "logout", "webhooks", "mail", "base URL", "proxies"} {
			r.want(t, check, levelOK)
		}
	})
}

func TestDoctorSaysWhichSettingsCannotBeMeant(t *testing.T) {
	database := modelstest.SQLite(t)
	for name, c := range map[string]struct {
		variables []string // name, value, …
		check     string
		level     string
		words     []string
	}{
		"misspelt":          {[]string{"LATCHKEY_SIGNPU", "open"}, "settings", levelWarning, []string{"LATCHKEY_SIGNPU is not a setting"}},
		"an absent file":    {[]string{"LATCHKEY_SMTP_URL_FILE", "/nowhere/smtp"}, "settings", levelProblem, []string{"LATCHKEY_SMTP_URL_FILE", "/nowhere/smtp"}},
		"no sender":         {[]string{"LATCHKEY_SMTP_URL", "smtp://u:hunter2hunter2@mail.example.com"}, "settings", levelProblem, []string{"LATCHKEY_MAIL_FROM", "no-reply@example.com"}},
		"no server":         {[]string{"LATCHKEY_MAIL_FROM", "no-reply@example.com"}, "settings", levelWarning, []string{"LATCHKEY_MAIL_FROM", "LATCHKEY_SMTP_URL"}},
		"no logo":           {[]string{"LATCHKEY_BRAND_LOGO", "/nowhere/logo.png"}, "settings", levelProblem, []string{"LATCHKEY_BRAND_LOGO"}},
		"no places":         {[]string{"LATCHKEY_GEO_DATABASE", "/nowhere/cities"}, "settings", levelProblem, []string{"LATCHKEY_GEO_DATABASE"}},
		"open without mail": {[]string{"LATCHKEY_SIGNUP", "open"}, "settings", levelProblem, []string{"LATCHKEY_SIGNUP"}},
		"idle for longer":   {[]string{"LATCHKEY_DEVICE_LIFETIME", "1h"}, "settings", levelWarning, []string{"LATCHKEY_DEVICE_IDLE"}},
		"browsers, too":     {[]string{"LATCHKEY_BROWSER_LIFETIME", "1h"}, "settings", levelWarning, []string{"LATCHKEY_BROWSER_IDLE"}},
		"tokens live long":  {[]string{"LATCHKEY_DEVICE_IDLE", "5m"}, "settings", levelWarning, []string{"LATCHKEY_ACCESS_TTL"}},
		"another issuer":    {[]string{"LATCHKEY_ISSUER", "https://other.example.com"}, "settings", levelWarning, []string{"LATCHKEY_ISSUER"}},
		"factors on an IP":  {[]string{"LATCHKEY_BASE_URL", "http://127.0.0.1:1", "LATCHKEY_SECOND_FACTOR", "required"}, "settings", levelWarning, []string{"passkeys"}},
		"all are proxies":   {[]string{"LATCHKEY_TRUSTED_PROXIES", "10.0.0.0/8,::/0"}, "proxies", levelProblem, []string{"::/0"}},
		"no proxy":          {[]string{"LATCHKEY_BASE_URL", "https://127.0.0.1:1"}, "proxies", levelWarning, []string{"LATCHKEY_TRUSTED_PROXIES"}},
		"no base URL":       {nil, "base URL", levelWarning, []string{"LATCHKEY_BASE_URL is not set"}},
		"in clear":          {[]string{"LATCHKEY_BASE_URL", "http://id.invalid"}, "base URL", levelProblem, []string{"not https"}},
		"no mail":           {nil, "mail", levelWarning, []string{"off"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("LATCHKEY_ADDR", "127.0.0.1:1") // where nothing listens
			for i := 0; i+1 < len(c.variables); i += 2 {
				t.Setenv(c.variables[i], c.variables[i+1])
			}
			askDoctor(t, database).want(t, c.check, c.level, c.words...)
		})
	}
	if _, err := os.Stat(folderOf(database)); err != nil {
		t.Fatal(err)
	}
	if files, _ := os.ReadDir(folderOf(database)); len(files) > 0 {
		t.Errorf("the doctor made %v", files)
	}
}

func TestDoctorSignsInToTheMailServerAndSendsNothing(t *testing.T) {
	database := modelstest.SQLite(t)
	mails := mailtest.Start(t, false)
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	t.Setenv("LATCHKEY_ADDR", "127.0.0.1:1")
	t.Setenv("LATCHKEY_MAIL_FROM", "no-reply@id.example.com")
	for _, c := range []struct {
		name, url, level string
		words            []string
	}{
		{"right", smtpURL(mails), levelOK, []string{mails.Address}},
		{"a wrong password", "smtp://latchkey:hunter2hunter2@" + mails.Address, levelProblem, []string{"the user or the password"}},
		{"TLS at once", "smtps://latchkey:hunter2hunter2@" + mails.Address, levelProblem, []string{"TLS"}},
		{"nothing there", "smtp://" + closed.Listener.Addr().String(), levelProblem, []string{"refused"}},
		{"no such host", "smtp://mail.invalid", levelProblem, []string{"mail.invalid", "host"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("LATCHKEY_SMTP_URL", c.url)
			askDoctor(t, database).want(t, "mail", c.level, c.words...)
		})
	}
	if n := len(mails.Mails()); n != 0 {
		t.Errorf("%d mails were sent", n)
	}
}
