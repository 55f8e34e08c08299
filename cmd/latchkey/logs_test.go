package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/models/modelstest"
)

// tells looks for a secret in a log: for the whole of it, or any piece of twenty characters, which it returns.
func tells(log, secret string) (part string, found bool) {
	const piece = 20
	for at := 0; at == 0 || at+piece <= len(secret); at++ {
		if part = secret[at:min(at+piece, len(secret))]; strings.Contains(log, part) {
			return part, true
		}
	}
	return "", false
}

func TestNoSecretIsLogged(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			database := modelstest.SQLite(t)
			s := serve(t, database, func(s *Settings) { s.Log = format })
			addUser(t, database, ada)
			secrets := tellEverything(t, s)
			log := s.log.String()
			if strings.Count(log, "refused") < 10 || strings.Count(log, "\n") < 20 {
				t.Fatalf("the log tells too little to be looked at:\n%s", log)
			}
			for name, secret := range secrets {
				if len(secret) < 12 {
					t.Fatalf("%s is %q, no secret", name, secret)
				}
				if part, found := tells(log, secret); found {
					_, after, _ := strings.Cut(log, part)
					t.Errorf("of the %s, the log has %s, before %.200s", name, part, after)
				}
			}
			for line := range strings.Lines(log) {
				if json.Valid([]byte(line)) != (format == "json") {
					t.Errorf("not in the format %s: %s", format, line)
				}
			}
		})
	}
}

// tellEverything lives through what an account can meet, and returns what must not stand in a log.
func tellEverything(t *testing.T, s server) map[string]string {
	t.Helper()
	const wrong = "a wrong password, typed in full"
	secrets := map[string]string{"password": password, "wrong password": wrong, "secret": secretOf("a")}
	keep := func(name string, answer reply) reply {
		secrets[name+"'s access token"], secrets[name+"'s refresh token"] = answer.field("access_token"), answer.field("refresh_token")
		return answer
	}
	asJSON := []string{"Content-Type", "application/json"}
	post := func(path, body string, headers ...string) reply {
		return send(t, http.DefaultClient, http.MethodPost, s.URL()+path, body, headers...)
	}

	first := keep("first", login(t, s.URL(), ada, password, "phone").want(t, 200))
	token, access := first.field("refresh_token"), first.field("access_token")
	login(t, s.URL(), ada, wrong, "phone").want(t, 401)
	login(t, s.URL(), wrong, password, "phone").want(t, 401) // typed into the wrong field
	login(t, s.URL(), ada, password, "").want(t, 422)
	post("/api/login", `{"password":"`+password+`",`, asJSON...).want(t, 400)
	post("/api/login", `{"password":["`+password+`"]}`, asJSON...).want(t, 400)
	post("/api/login", password, "Content-Type", "text/"+wrong).want(t, 415)
	post("/oauth/token", "refresh_token="+token+"%zz", "Content-Type", formType).want(t, 400)
	post("/oauth/token", token, "Content-Type", formType).want(t, 400)
	post("/oauth/token", "grant_type="+token, "Content-Type", formType).want(t, 400)
	post("/oauth/token?refresh_token="+token, "", "Content-Type", formType).want(t, 400)
	post("/oauth/token", refreshForm(token), "Content-Type", formType, "Authorization", "Basic "+token).want(t, 401)

	refresh(t, s.URL(), token[:len(token)-9]+"AAAAAAAAA").want(t, 400, "reason", "malformed")
	refresh(t, s.URL(), access).want(t, 400, "reason", "malformed")
	second := keep("second", refresh(t, s.URL(), token).want(t, 200))
	keep("third", refresh(t, s.URL(), second.field("refresh_token")).want(t, 200))
	refresh(t, s.URL(), token).want(t, 400, "reason", "reused")
	revoke(t, s.URL(), access).want(t, 200)
	revoke(t, s.URL(), token).want(t, 200)

	whoami(t, s.URL(), access[:len(access)-4]+"AAAA").want(t, 401)
	whoami(t, s.URL(), token).want(t, 401)
	get(t, s.URL()+"/api/devices", "Authorization", "Bearer "+access).want(t, 401)
	for _, path := range []string{"/" + token, "/devices/" + token + "/revoke", "/login?next=/" + token, "/static/" + token, "/api/" + access, "/oauth/" + access} {
		get(t, s.URL()+path, "User-Agent", token, "X-Forwarded-For", token, "Referer", s.URL()+"/"+token)
	}
	tellThePortal(t, s, secrets, wrong)
	return secrets
}

func tellThePortal(t *testing.T, s server, secrets map[string]string, wrong string) {
	t.Helper()
	browser := signedInBrowser(t, s.URL())
	at, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range browser.Jar.Cookies(at) {
		secrets["cookie "+cookie.Name] = cookie.Value
	}
	form := func(browser *http.Client, path string, fields url.Values) reply {
		return send(t, browser, http.MethodPost, s.URL()+path, fields.Encode(), "Content-Type", formType)
	}
	account := accountIn(t, send(t, browser, http.MethodGet, s.URL()+"/security", ""))
	form(newBrowser(t), "/login", url.Values{"email": {ada}, "password": {wrong}}).want(t, 422)
	form(browser, "/security", url.Values{"account": {account}, "current_password": {wrong}, "new_password": {password + " again"}})
	form(browser, "/security", url.Values{"account": {account}, "current_password": {password}, "new_password": {"short"}})
	send(t, newBrowser(t), http.MethodGet, s.URL()+"/devices", "", "Cookie", "latchkey="+secrets["cookie latchkey"][3:]).want(t, 303)
	send(t, browser, http.MethodPost, s.URL()+"/logout", "", "Content-Type", formType, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site").want(t, 403)
	form(browser, "/logout", url.Values{"account": {account}}).want(t, 303)
}
