package main

import (
	"encoding/base64"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/models/modelstest"
)

var toConfirm = regexp.MustCompile(`--confirm (\S+)`)

// previewed previews an incident, and returns what was printed and the id to confirm.
func previewed(t *testing.T, url string, filter ...string) (printed, id string) {
	t.Helper()
	printed = must(t, url, "", append([]string{"incident", "revoke", "--preview"}, filter...)...)
	found := toConfirm.FindStringSubmatch(printed)
	if found == nil {
		t.Fatalf("no id to confirm: %s", printed)
	}
	return printed, found[1]
}

// signedInEarlier makes all devices some minutes older.
func signedInEarlier(t *testing.T, url string) {
	t.Helper()
	statement := "UPDATE devices SET created_at = created_at - interval '5 minutes'"
	if strings.HasPrefix(url, "sqlite:") {
		statement = "UPDATE devices SET created_at = created_at - 300000000"
	}
	if _, err := openAt(t, url).Pools()[0].ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func TestAnIncidentIsPreviewedConfirmedAndShown(t *testing.T) {
	modelstest.InTurnMigrated(t, func(t *testing.T, url string) {
		s := serve(t, url, nil)
		addUser(t, url, ada)
		phone := login(t, s.URL(), ada, password, "phone", "client_id", "mobile").want(t, 200)
		television := login(t, s.URL(), ada, password, "television", "client_id", "tv").want(t, 200)
		signedInEarlier(t, url)
		to := time.Now().Add(-time.Minute).UTC().Format(time.RFC3339)

		printed, id := previewed(t, url, "--client", "mobile", "--created-to", to, "--network", "127.0.0.0/8", "--unbound")
		for _, words := range []string{"Nothing is signed out yet", "1 device of 1 account", "2 devices that are signed in", "apps of mobile", "password at"} {
			if !strings.Contains(printed, words) {
				t.Errorf("the preview does not say %q: %s", words, printed)
			}
		}
		phone = refresh(t, s.URL(), phone.field("refresh_token")).want(t, 200)
		command(t, url, "", "incident", "revoke", "--confirm", id, "--created-to", to, "--unbound").refuses(t, 1, "another preview")

		report := must(t, url, "", "incident", "revoke", "--confirm", id, "--now")
		for _, words := range []string{"signing out apps of mobile", "Signed out: 1 device of 1 account, in 1 batch", "since the start: 0 of these accounts"} {
			if !strings.Contains(report, words) {
				t.Errorf("the report does not say %q: %s", words, report)
			}
		}
		refresh(t, s.URL(), phone.field("refresh_token")).want(t, 400, "error", "invalid_grant", "reason", "revoked")
		refresh(t, s.URL(), television.field("refresh_token")).want(t, 200)
		eventually(t, 10*time.Second, "the access token is refused by the status list", func() bool {
			return whoami(t, s.URL(), phone.field("access_token")).status == http.StatusUnauthorized
		})
		command(t, url, "", "incident", "revoke", "--confirm", id).refuses(t, 1, "confirmed already")
		command(t, url, "", "incident", "pause", id).refuses(t, 1, "does not run")
		command(t, url, "", "incident", "resume", id).refuses(t, 1, "is not paused")
		if list := must(t, url, "", "incident", "list"); !strings.Contains(list, id) || !strings.Contains(list, "done") {
			t.Errorf("the list: %s", list)
		}
		login(t, s.URL(), ada, password, "phone", "client_id", "mobile").want(t, 200)
		if shown := must(t, url, "", "incident", "show", id); !strings.Contains(shown, "since the start: 1 of these accounts, on 1 device") {
			t.Errorf("who came back: %s", shown)
		}
	})
}

func TestAnIncidentThatNoPreviewCountedIsRefused(t *testing.T) {
	modelstest.InTurnMigrated(t, func(t *testing.T, url string) {
		for name, c := range map[string]struct {
			args  []string
			code  int
			words []string
		}{
			"neither preview nor confirm": {[]string{"revoke", "--unbound"}, 2, []string{"--preview", "--confirm"}},
			"both":                        {[]string{"revoke", "--unbound", "--preview", "--confirm", "x"}, 2, []string{"--preview"}},
			"an empty filter":             {[]string{"revoke", "--preview"}, 2, []string{"is empty", "--client"}},
			"no id":                       {[]string{"revoke", "--confirm", "everything"}, 2, []string{"everything"}},
			"an unknown id":               {[]string{"revoke", "--confirm", "019a0000-0000-7000-8000-000000000000"}, 1, []string{"no preview"}},
			"a pace for a preview":        {[]string{"revoke", "--unbound", "--preview", "--over", "6h"}, 2, []string{"--over"}},
			"two paces":                   {[]string{"revoke", "--confirm", "x", "--over", "6h", "--now"}, 2, []string{"--over", "--now"}},
			"a time without its zone":     {[]string{"revoke", "--created-from", "2026-11-28", "--preview"}, 2, []string{"--created-from"}},
			"a bare IP address":           {[]string{"revoke", "--network", "192.0.2.1", "--preview"}, 2, []string{"--network"}},
			"no mail":                     {[]string{"revoke", "--created-from", "2020-01-01T00:00:00Z", "--require-reset", "--preview"}, 1, []string{"LATCHKEY_SMTP_URL"}},
			"nothing is signed in":        {[]string{"revoke", "--unbound", "--preview"}, 1, []string{"no device"}},
		} {
			t.Run(name, func(t *testing.T) {
				command(t, url, "", append([]string{"incident"}, c.args...)...).refuses(t, c.code, c.words...)
			})
		}
	})
}

// No token begins an incident, whatever it may do: there is nothing at any address to ask for one.
func TestNoTokenBeginsAnIncident(t *testing.T) {
	modelstest.InTurnMigrated(t, func(t *testing.T, url string) {
		addUser(t, url, ada)
		added := must(t, url, "", "client", "add", "Backend", "--confidential", "--json", "--scope", "users:read", "--scope", "users:write", "--scope", "credentials:write",
			"--scope", "users:delete", "--scope", "devices:write", "--scope", "events:read")
		s, client := serve(t, url, nil), reply{body: added}
		app := login(t, s.URL(), ada, password, "phone").want(t, 200).field("access_token")
		basic := base64.StdEncoding.EncodeToString([]byte(client.field("client_id") + ":" + client.field("client_secret")))
		backend := send(t, http.DefaultClient, http.MethodPost, s.URL()+"/oauth/token", "grant_type=client_credentials", "Content-Type", formType, "Authorization", "Basic "+basic).
			want(t, 200).field("access_token")
		get(t, s.URL()+"/api/admin/users", "Authorization", "Bearer "+backend).want(t, 200)
		for _, token := range []string{app, backend} {
			for _, path := range []string{"/api/incidents", "/api/admin/incidents", "/api/admin/incidents/revoke", "/api/admin/devices/revoke"} {
				for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut} {
					r := send(t, http.DefaultClient, method, s.URL()+path, `{"filter":{"unbound":true},"confirm":true}`, "Authorization", "Bearer "+token, "Content-Type", "application/json")
					if r.status != http.StatusNotFound {
						t.Errorf("%s %s: %d %s", method, path, r.status, r.body)
					}
				}
			}
		}
		if list := must(t, url, "", "incident", "list"); list != "" {
			t.Errorf("incidents: %s", list)
		}
	})
}
