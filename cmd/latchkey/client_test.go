package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"latchkey/models/modelstest"
)

func TestClientsAreAddedShownAndUpdated(t *testing.T) {
	url := modelstest.SQLite(t)
	must(t, url, "", "migrate")
	printed := must(t, url, "", "client", "add", "Web App", "--id", "web", "--confidential", "--redirect-uri", "https://app.example.com/cb", "--redirect-uri", "com.example.app:/cb",
		"--post-logout-uri", "https://app.example.com/bye", "--origin", "https://app.example.com", "--origin", "app://.", "--backchannel-logout-uri", "https://app.example.com/out",
		"--device-grant", "--sso", "--scope", "own_devices:read", "--scope", "users:read", "--lifetime", "168h", "--idle", "24h", "--devices", "5", "--on-limit", "replace-oldest")
	secret := regexp.MustCompile(`(?m)^client_secret: (lkcs_\S{43})$`).FindStringSubmatch(printed)
	if secret == nil || !strings.Contains(printed, "\nclient_id: web\n") {
		t.Fatalf("%q", printed)
	}
	all := []string{
		"Type: confidential", "Redirect URI: https://app.example.com/cb", "Redirect URI: com.example.app:/cb", "Post-logout URI: https://app.example.com/bye", "Origin: https://app.example.com",
		"Origin: app://.", "Back-channel logout URI: https://app.example.com/out", "Device grant: on", "Single sign-on: on", "Scope: own_devices:read", "Scope: users:read",
		"Lifetime of devices: 168h0m0s", "Devices idle after: 24h0m0s", "Devices of one account: 5", "At that limit: replace-oldest",
	}
	says := func(text string, want ...string) {
		t.Helper()
		for _, w := range want {
			if !strings.Contains(text, w+"\n") {
				t.Errorf("%q lacks %q", text, w)
			}
		}
	}
	says(printed, all...)
	show := must(t, url, "", "client", "show", "web")
	says(show, all...)
	if list := must(t, url, "", "client", "list"); list != show || strings.Contains(show, secret[1]) {
		t.Errorf("list %q, show %q", list, show)
	}

	// What is refused names its flag and its value, and changes nothing.
	for _, c := range []struct {
		code int
		says string
		args []string
	}{
		{1, `redirect-uri: "http://app.example.com/" must be https`, []string{"update", "web", "--redirect-uri", "https://b.example/", "--redirect-uri", "http://app.example.com/"}},
		{1, `post-logout-uri: "x" `, []string{"update", "web", "--name", "Other", "--post-logout-uri", "x"}},
		{1, `origin: "https://b.example/" `, []string{"update", "web", "--no-sso", "--origin", "https://b.example/"}},
		{1, `backchannel-logout-uri: "http://b.example/" `, []string{"update", "web", "--new-secret", "--backchannel-logout-uri", "http://b.example/"}},
		{1, `scope: "\"" `, []string{"update", "web", "--scope", `"`}},
		{1, `scope: "devices:write" is for confidential clients only: give --confidential`, []string{"add", "Public", "--scope", "own_devices:read devices:write"}},
		{1, "public: Its scopes are for confidential clients only: own_devices:read users:read", []string{"update", "web", "--public"}},
		{1, "lifetime: 1s is not between", []string{"update", "web", "--lifetime", "1s"}},
		{1, `on-limit: "evict" is neither`, []string{"update", "web", "--on-limit", "evict"}},
		{1, "name: ", []string{"update", "web", "--name", ""}},
		{1, `ios-app: "x"`, []string{"update", "web", "--ios-app", "x"}},
		{1, `"unknown"`, []string{"update", "unknown", "--sso"}},
		{1, `"unknown"`, []string{"show", "unknown"}},
		{1, "public: ", []string{"update", "web", "--public", "--new-secret"}},
		{2, "what to change", []string{"update", "web"}},
		{2, "--confidential", []string{"update", "web", "--public", "--confidential"}},
		{2, "--confidential", []string{"add", "Both", "--public", "--confidential"}},
		{1, `redirect-uri: "" is empty`, []string{"add", "Empty", "--redirect-uri", ""}},
		{1, `origin: "null" `, []string{"add", "Null", "--origin", "null"}},
	} {
		command(t, url, "", append([]string{"client"}, c.args...)...).refuses(t, c.code, c.says)
	}
	if list := must(t, url, "", "client", "list"); list != show {
		t.Errorf("a refusal changed %q to %q", show, list)
	}

	says(must(t, url, "", "client", "update", "web", "--redirect-uri", "https://b.example/cb", "--origin", "", "--scope", "", "--backchannel-logout-uri", "", "--no-device-grant", "--sso=false", "--name", "New Name",
		"--lifetime", "0", "--idle", "0", "--devices", "0", "--on-limit", "refuse"),
		"Redirect URI: https://b.example/cb", "Post-logout URI: https://app.example.com/bye", "Type: confidential")
	changed := must(t, url, "", "client", "show", "web")
	for _, gone := range []string{"app.example.com/cb", "Origin", "Scope", "Back-channel", "grant", "sign-on", "Web App", "evices", "limit"} {
		if strings.Contains(changed, gone) {
			t.Errorf("%q still has %q", changed, gone)
		}
	}
	next := regexp.MustCompile(`(?m)^client_secret: (\S+)$`).FindStringSubmatch(must(t, url, "", "client", "update", "web", "--new-secret"))
	if next == nil || next[1] == secret[1] {
		t.Errorf("the new secret: %q", next)
	}
	if kept := must(t, url, "", "client", "update", "web", "--confidential"); strings.Contains(kept, "client_secret") {
		t.Errorf("a second first secret: %q", kept)
	}
	if public := must(t, url, "", "client", "update", "web", "--public"); strings.Contains(public, "confidential") {
		t.Errorf("%q", public)
	}
	command(t, url, "", "client", "update", "web", "--new-secret").refuses(t, 1, "new-secret: This client is public")

	var file struct {
		ID           string   `json:"client_id"`
		Secret       string   `json:"client_secret"`
		RedirectURIs []string `json:"redirect_uris"`
		Origins      []string `json:"origins"`
		SSO          bool     `json:"sso"`
	}
	if err := json.Unmarshal([]byte(must(t, url, "", "client", "add", "Robot", "--confidential", "--sso", "--redirect-uri", "https://c.example/?a=1&b=2", "--json")), &file); err != nil ||
		len(file.ID) != 26 || !strings.HasPrefix(file.Secret, "lkcs_") || len(file.RedirectURIs) != 1 || file.RedirectURIs[0] != "https://c.example/?a=1&b=2" || file.Origins == nil || !file.SSO {
		t.Errorf("%+v %v", file, err)
	}
	says(must(t, url, "", "client", "update", "web", "--confidential"), "Type: confidential")
	if list := must(t, url, "", "client", "list", "--json"); strings.Count(list, "\n") != 2 || strings.Contains(list, "client_secret") || !strings.Contains(list, `"client_name":"New Name"`) {
		t.Errorf("%q", list)
	}
	says(must(t, url, "", "client", "remove", "web"), "Removed web. Devices signed in with it keep refreshing until they are signed out.", "They no longer need its secret.")
}
