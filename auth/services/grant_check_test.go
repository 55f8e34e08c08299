package services_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"latchkey/auth"
	"latchkey/auth/client"
	"latchkey/auth/grant"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/models/modelstest"
)

func TestAnAuthorizationRequestIsCheckedInOrder(t *testing.T) {
	v := newVisitor(t, openStore(t))
	long := strings.Repeat("x", grant.MaxRequest+1)
	jkt := strings.Repeat("k", 43)
	for name, c := range map[string]struct {
		change   []string
		repeated []string
		want     any // nil: it is good; a Kind: a page; a text: the error at the redirect URI
	}{
		"good":                               {want: nil},
		"the least":                          {change: []string{"state", "", "scope", "", "nonce", ""}, want: nil},
		"all":                                {change: []string{"prompt", "login consent", "max_age", "0", "acr_values", "aal2 aal1", "login_hint", "a", "ui_locales", "de fr-CA", "dpop_jkt", jkt, "device_name", "Work phone", "response_mode", "form_post"}},
		"a loopback port":                    {change: []string{"redirect_uri", "http://127.0.0.1:49152/cb"}},
		"a scheme of its own":                {change: []string{"redirect_uri", schemeURI}},
		"an unknown scope":                   {change: []string{"scope", "openid profile"}},
		"no client":                          {change: []string{"client_id", ""}, want: auth.KindInvalidRequest},
		"no URI":                             {change: []string{"redirect_uri", ""}, want: auth.KindInvalidRequest},
		"an unknown client":                  {change: []string{"client_id", "nobody"}, want: auth.KindUnauthorizedClient},
		"a client in other letters":          {change: []string{"client_id", "Notes"}, want: auth.KindUnauthorizedClient},
		"a client and a URI of another":      {change: []string{"client_id", "board"}, want: auth.KindInvalidRequest},
		"two clients":                        {repeated: []string{"client_id"}, want: auth.KindInvalidRequest},
		"two URIs":                           {repeated: []string{"redirect_uri"}, want: auth.KindInvalidRequest},
		"a bad URI and all else":             {change: []string{"redirect_uri", "https://evil.example/", "response_type", "token", "request", "x", "code_challenge", ""}, want: auth.KindInvalidRequest},
		"a response mode":                    {change: []string{"response_mode", "fragment"}, want: "invalid_request"},
		"a response mode of scripts":         {change: []string{"response_mode", "web_message"}, want: "invalid_request"},
		"two states":                         {repeated: []string{"state"}, want: "invalid_request"},
		"two scopes":                         {repeated: []string{"scope"}, want: "invalid_request"},
		"two response types":                 {repeated: []string{"response_type"}, want: "invalid_request"},
		"a long state":                       {change: []string{"state", long}, want: "invalid_request"},
		"a state with a line break":          {change: []string{"state", "a\nb"}, want: "invalid_request"},
		"a nonce that is not UTF-8":          {change: []string{"nonce", "\xff"}, want: "invalid_request"},
		"all together too long":              {change: []string{"state", long[:1000], "nonce", long[:1000]}, want: "invalid_request"},
		"a request object":                   {change: []string{"request", "eyJ"}, want: "request_not_supported"},
		"the client's own request URI":       {change: []string{"request_uri", "https://notes.example/r"}, want: "request_uri_not_supported"},
		"a registration":                     {change: []string{"registration", "{}"}, want: "registration_not_supported"},
		"no response type":                   {change: []string{"response_type", ""}, want: "invalid_request"},
		"the implicit flow":                  {change: []string{"response_type", "token"}, want: "unsupported_response_type"},
		"the hybrid flow":                    {change: []string{"response_type", "code id_token"}, want: "unsupported_response_type"},
		"no PKCE":                            {change: []string{"code_challenge", "", "code_challenge_method", ""}, want: "invalid_request"},
		"a method alone":                     {change: []string{"code_challenge", ""}, want: "invalid_request"},
		"plain":                              {change: []string{"code_challenge", grantVerifier, "code_challenge_method", "plain"}, want: "invalid_request"},
		"plain by default":                   {change: []string{"code_challenge_method", ""}, want: "invalid_request"},
		"S256 in small letters":              {change: []string{"code_challenge_method", "s256"}, want: "invalid_request"},
		"a short challenge":                  {change: []string{"code_challenge", "abc"}, want: "invalid_request"},
		"a padded challenge":                 {change: []string{"code_challenge", challengeOf("x") + "="}, want: "invalid_request"},
		"a scope with a line break":          {change: []string{"scope", "openid\temail"}, want: "invalid_request"},
		"a scope with quotes":                {change: []string{"scope", `openid "`}, want: "invalid_scope"},
		"two spaces":                         {change: []string{"scope", "openid  email"}, want: "invalid_scope"},
		"an unknown prompt":                  {change: []string{"prompt", "create"}, want: "invalid_request"},
		"none and another":                   {change: []string{"prompt", "none login"}, want: "invalid_request"},
		"a max_age below 0":                  {change: []string{"max_age", "-1"}, want: "invalid_request"},
		"a max_age of words":                 {change: []string{"max_age", "soon"}, want: "invalid_request"},
		"a max_age past all bounds":          {change: []string{"max_age", "99999999999999999999"}, want: "invalid_request"},
		"a key that is none":                 {change: []string{"dpop_jkt", "key"}, want: "invalid_request"},
		"a device name that cannot be seen":  {change: []string{"device_name", "\u200b"}, want: "invalid_request"},
		"a device name that is too long":     {change: []string{"device_name", long[:65]}, want: "invalid_request"},
		"languages that are none":            {change: []string{"ui_locales", "x\"y"}},
		"an unknown level":                   {change: []string{"acr_values", "aal9"}},
		"an error before that of the prompt": {change: []string{"prompt", "bad", "scope", "\""}, want: "invalid_scope"},
	} {
		p := asking(c.change...)
		p.Repeated = c.repeated
		r, err := v.Grants.Check(t.Context(), p)
		if got := refused(err); got != c.want {
			t.Errorf("%s: %v (%v), want %v", name, got, err, c.want)
		}
		refusal := (*grant.Refusal)(nil)
		if !errors.As(err, &refusal) {
			continue
		}
		state := "st"
		if slices.Contains(c.repeated, "state") || strings.Contains(name, "state") || strings.Contains(name, "together") {
			state = ""
		}
		if refusal.Request.State != state || refusal.Request.RedirectURI != notesURI || r.ClientID != "notes" {
			t.Errorf("%s: the answer has the state %q and goes to %s", name, refusal.Request.State, refusal.Request.RedirectURI)
		}
		if strings.ContainsFunc(refusal.Description, func(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' }) {
			t.Errorf("%s: RFC 6749 §4.1.2.1 forbids a character of %q", name, refusal.Description)
		}
	}
	r, err := v.Grants.Check(t.Context(), asking("scope", "profile email openid", "prompt", "consent login", "max_age", "60", "ui_locales", "de \"", "response_mode", "query"))
	age := int64(60)
	want := grant.Request{
		ClientID: "notes", RedirectURI: notesURI, State: "st", Scope: []string{"openid", "email"}, Nonce: "n-1", Challenge: challengeOf(grantVerifier),
		Prompt: []string{"consent", "login"}, MaxAge: &age, ACR: []string{}, At: v.now(),
	}
	if err != nil || !reflect.DeepEqual(r, want) {
		t.Errorf("%+v %v, want %+v", r, err, want)
	}
	p := asking("response_mode", "form_post", "nonce", "")
	p.Repeated = []string{"response_mode"}
	if r, err := v.Grants.Check(t.Context(), p); refused(err) != "invalid_request" || r.Mode != "" {
		t.Errorf("two response modes: %v, and the answer goes by %q", err, r.Mode)
	}
}

// No browser is sent to an address that is not the client's (RFC 9700 §4.11). All kinds are in auth/client; this shows that requests go by it.
func TestNoRequestLeadsToAnotherAddress(t *testing.T) {
	v := newVisitor(t, openStore(t))
	for _, uri := range []string{
		"https://notes.example/cb/", "https://notes.example/cb/..", "https://notes.example/cb/../x", "https://notes.example/cb?x=1", "https://notes.example/cb?", "https://notes.example/cb#", "https://notes.example/cb#x",
		"https://notes.example/CB", "https://NOTES.example/cb", "HTTPS://notes.example/cb", "https://notes.example:443/cb", "https://notes.example:8443/cb", "https://notes.example./cb",
		"https://user@notes.example/cb", "https://notes.example@evil.example/cb", `https://evil.example\@notes.example/cb`, "https://notes.example.evil.example/cb", "https://evil.example/cb", "//notes.example/cb",
		"https://notes.example/%63b", "https://notes.example/%2e/cb", "https://notes.example/./cb", "https://notes.example//cb", "https://notes.example/cb%00", "https://notes.example/cb\n", " https://notes.example/cb",
		"http://notes.example/cb", "http://localhost/cb", "http://localhost:8080/cb", "http://127.0.0.1.evil.example/cb", "http://127.0.0.2/cb", "http://127.1/cb", "http://[::1]/cb", "http://0x7f000001/cb", "https://127.0.0.1/cb",
		"http://127.0.0.1:x/cb", "http://127.0.0.1@evil.example/cb", "http://127.0.0.1:80@evil.example/cb", "com.example.notes://cb", "com.example.Notes:/cb", "com.example.notes:/cb/x", "javascript:alert(1)//notes.example", "*",
		notesURI + " " + notesURI, boardURI,
	} {
		_, err := v.Grants.Check(t.Context(), asking("redirect_uri", uri))
		_, pushed := v.Grants.Push(t.Context(), asking("redirect_uri", uri), client.Identity{ID: "notes"}, token.Proof{})
		if refused(err) != auth.KindInvalidRequest || refused(pushed) != auth.KindInvalidRequest {
			t.Errorf("%q: %v, pushed: %v", uri, err, pushed)
		}
	}
}

func TestAClientThatIsRemovedOrMovedEndsItsRequests(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, store *models.Store) {
		v := newVisitor(t, store)
		q, code := v.request(t), v.given(t)
		if _, err := v.Clients.Update(t.Context(), "notes", client.Change{RedirectURIs: []string{"https://new.example/cb"}}); err != nil {
			t.Fatal(err)
		}
		if _, err := v.approve(t.Context(), v.here(t), q.Text); refused(err) != auth.KindInvalidRequest {
			t.Errorf("approved at an address that was removed: %v", err)
		}
		if _, err := v.Clients.Add(t.Context(), client.Registration{Name: "New", ID: "new", RedirectURIs: []string{notesURI}}); err != nil {
			t.Fatal(err)
		}
		if _, err := v.Grants.Check(t.Context(), asking("client_id", "new")); err != nil {
			t.Errorf("a client that was registered a moment ago: %v", err)
		}
		if err := v.Clients.Remove(t.Context(), "notes"); err != nil {
			t.Fatal(err)
		}
		if _, err := v.Grants.Redeem(t.Context(), v.redemption(code)); refused(err) != auth.KindInvalidClient || len(v.apps(t)) > 0 {
			t.Errorf("a code of a client that was removed: %v", err)
		}
	})
}
