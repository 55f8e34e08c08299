package grant

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/client"
	"latchkey/models"
)

// The response modes (OAuth 2.0 Multiple Response Type Encoding Practices §2.1, OAuth 2.0 Form Post Response Mode).
const (
	ModeQuery    = "query"
	ModeFormPost = "form_post"
)

// The values of prompt (OpenID Connect Core §3.1.2.1).
const (
	PromptNone          = "none"
	PromptLogin         = "login"
	PromptConsent       = "consent"
	PromptSelectAccount = "select_account"
)

// Prompts are all values of prompt.
var Prompts = []string{PromptNone, PromptLogin, PromptConsent, PromptSelectAccount}

// The scopes that a client may ask for (OpenID Connect Core §5.4, §11). Others are ignored, as OpenID Connect Core §3.1.2.1 says.
const (
	ScopeOpenID  = "openid"
	ScopeEmail   = "email"
	ScopeOffline = "offline_access"
)

// Scopes are those that a client may ask for.
var Scopes = []string{ScopeOpenID, ScopeEmail, ScopeOffline}

// MaxRequest is the size of the largest authorization request, in bytes of the parameters that are read.
const MaxRequest = 2048

// Request is an authorization request that was checked. The names of its fields are sealed in pages and request URIs for RequestLife.
type Request struct {
	ClientID    string
	RedirectURI string
	Mode        string   `json:",omitempty"` // empty: ModeQuery
	State       string   `json:",omitempty"`
	Scope       []string `json:",omitempty"`
	Nonce       string   `json:",omitempty"`
	Challenge   string   // S256 of the verifier (RFC 7636 §4.2)
	Prompt      []string `json:",omitempty"`
	MaxAge      *int64   `json:",omitempty"` // seconds
	ACR         []string `json:",omitempty"`
	LoginHint   string   `json:",omitempty"`
	Person      string   `json:",omitempty"` // the id of the account that the app expects; empty: any
	Locales     string   `json:",omitempty"`
	JKT         string   `json:",omitempty"` // thumbprint of the key that must redeem the code (RFC 9449 §10)
	DeviceName  string   `json:",omitempty"` // that the app suggests
	At          time.Time
	Pushed      bool `json:",omitempty"` // by the client itself (RFC 9126)

	Installation auth.Installation `json:",omitzero"` // only if it was pushed
}

// Has reports whether the request asks for a scope.
func (r *Request) Has(scope string) bool { return slices.Contains(r.Scope, scope) }

// Asks reports whether prompt has a value.
func (r *Request) Asks(prompt string) bool { return slices.Contains(r.Prompt, prompt) }

// Expects reports whether an account may answer the request: any, unless the app named one (id_token_hint).
func (r *Request) Expects(by *browser.Session) bool {
	return r.Person == "" || r.Person == by.User.ID.String()
}

// Refusal is an error that the client gets at its redirect URI (RFC 6749 §4.1.2.1). The client and the URI of the request are certain.
type Refusal struct {
	Request     Request
	Code        string // such as invalid_scope
	Description string // in ASCII, for developers
}

// Error returns the description.
func (e *Refusal) Error() string { return e.Code + ": " + e.Description }

func (r *Request) refuse(code, description string) error {
	return &Refusal{Request: *r, Code: code, Description: description}
}

// Params are the parameters of an authorization request.
type Params struct {
	Values   map[string]string
	Repeated []string // names that came more than once; their value means nothing
}

// Names are the parameters of an authorization request that mean something here. Others are ignored (RFC 6749 §3.1).
var Names = []string{
	"response_type", "client_id", "redirect_uri", "scope", "state", "response_mode", "nonce", "prompt", "max_age", "acr_values", "login_hint",
	"ui_locales", "code_challenge", "code_challenge_method", "dpop_jkt", "device_name", "request", "request_uri", "registration",
	hintName,
}

// InstallationNames are the parameters of an app's installation. They come in bodies only: browsers and servers keep the addresses of pages.
var InstallationNames = []string{"installation_id", "old_refresh_token"}

// hintName is the parameter that names a person. An ID token is not counted among the rest: only what it says is kept.
const hintName = "id_token_hint"

var (
	sha256Text = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)            // of 32 bytes in base64url
	scopeText  = regexp.MustCompile(`^[!#-\[\]-~]+( [!#-\[\]-~]+)*$`) // RFC 6749 §3.3
	uiLocales  = regexp.MustCompile(`^[A-Za-z0-9 -]*$`)
)

// Check checks an authorization request. It returns a *Refusal once the client and its redirect URI are certain, and before that
// KindUnauthorizedClient or KindInvalidRequest for a page: no browser is sent to an address that is not the client's (RFC 9700 §4.11).
func (s *Service) Check(ctx context.Context, p Params) (Request, error) {
	r, err := s.certain(ctx, p)
	if err != nil {
		return r, err
	}
	v := p.Values
	if problem := auth.ProblemWithText(v["state"], MaxRequest); problem == "" && !slices.Contains(p.Repeated, "state") {
		r.State = v["state"]
	}
	switch mode := v["response_mode"]; {
	case mode == "", mode == ModeQuery, slices.Contains(p.Repeated, "response_mode"):
	case mode == ModeFormPost:
		r.Mode = mode
	default:
		return r, r.refuse("invalid_request", "response_mode must be query or form_post.")
	}
	if len(p.Repeated) > 0 {
		return r, r.refuse("invalid_request", fmt.Sprintf("%s was sent more than once.", p.Repeated[0]))
	}
	size := 0
	for _, name := range slices.DeleteFunc(slices.Clone(Names), func(name string) bool { return name == hintName }) {
		if size += len(v[name]); auth.ProblemWithText(v[name], MaxRequest) != "" {
			return r, r.refuse("invalid_request", name+" is too long, is not UTF-8 or has control characters.")
		}
	}
	if size > MaxRequest {
		r.State = ""
		return r, r.refuse("invalid_request", fmt.Sprintf("The parameters have more than %d bytes together.", MaxRequest))
	}
	for _, check := range []func(*Request, map[string]string) error{checkType, checkChallenge, checkScope, checkPrompt, checkRest} {
		if err := check(&r, v); err != nil {
			return r, err
		}
	}
	return r, s.checkHint(&r, v[hintName])
}

// checkHint reads whom the app expects (OpenID Connect Core §3.1.2.1). The ID token of another app says nothing here: no app may ask who is
// signed in with what it got from another one.
func (s *Service) checkHint(r *Request, idToken string) error {
	if idToken == "" {
		return nil
	}
	hint, ok := s.tokens.ReadIDHint(idToken)
	if !ok || hint.ClientID != r.ClientID {
		return r.refuse("invalid_request", "id_token_hint is not an ID token that this server gave to this client.")
	}
	r.Person = hint.Device.UserID.String()
	return nil
}

// certain reads the client and its redirect URI.
func (s *Service) certain(ctx context.Context, p Params) (Request, error) {
	r := Request{ClientID: p.Values["client_id"], RedirectURI: p.Values["redirect_uri"], At: s.clock.Now()}
	for _, name := range []string{"client_id", "redirect_uri"} {
		if p.Values[name] == "" || slices.Contains(p.Repeated, name) {
			return r, auth.InvalidField(name, "It must be sent, and once.")
		}
	}
	_, err := s.Client(ctx, r)
	return r, err
}

func checkType(r *Request, v map[string]string) error {
	switch {
	case v["request"] != "":
		return r.refuse("request_not_supported", "Send the parameters themselves, or push them to the PAR endpoint.")
	case v["request_uri"] != "":
		return r.refuse("request_uri_not_supported", "Only request URIs of our PAR endpoint are taken.")
	case v["registration"] != "":
		return r.refuse("registration_not_supported", "Clients are registered by the operator.")
	case v["response_type"] == "":
		return r.refuse("invalid_request", "response_type is missing: send code.")
	case v["response_type"] != "code":
		return r.refuse("unsupported_response_type", "response_type must be code.")
	}
	return nil
}

// checkChallenge requires PKCE with S256, of every client (RFC 7636, RFC 9700 §2.1.1).
func checkChallenge(r *Request, v map[string]string) error {
	r.Challenge = v["code_challenge"]
	switch {
	case r.Challenge == "":
		return r.refuse("invalid_request", "code_challenge is missing: PKCE is required.")
	case v["code_challenge_method"] != "S256":
		return r.refuse("invalid_request", "code_challenge_method must be S256.")
	case !sha256Text.MatchString(r.Challenge):
		return r.refuse("invalid_request", "code_challenge must be the SHA-256 of the verifier in base64url: 43 characters.")
	}
	return nil
}

func checkScope(r *Request, v map[string]string) error {
	if v["scope"] == "" {
		return nil
	}
	if !scopeText.MatchString(v["scope"]) {
		return r.refuse("invalid_scope", "scope must be names with single spaces between.")
	}
	asked := strings.Fields(v["scope"])
	for _, scope := range Scopes {
		if slices.Contains(asked, scope) {
			r.Scope = append(r.Scope, scope)
		}
	}
	return nil
}

func checkPrompt(r *Request, v map[string]string) error {
	r.Prompt = strings.Fields(v["prompt"])
	for _, one := range r.Prompt {
		if !slices.Contains(Prompts, one) {
			return r.refuse("invalid_request", "prompt must be none, login, consent or select_account.")
		}
	}
	if r.Asks(PromptNone) && len(r.Prompt) > 1 {
		return r.refuse("invalid_request", "prompt=none must stand alone.")
	}
	if v["max_age"] != "" {
		age, err := strconv.ParseInt(v["max_age"], 10, 32)
		if err != nil || age < 0 {
			return r.refuse("invalid_request", "max_age must be a number of seconds.")
		}
		r.MaxAge = &age
	}
	return nil
}

func checkRest(r *Request, v map[string]string) error {
	r.Nonce, r.ACR, r.LoginHint, r.Locales, r.JKT = v["nonce"], strings.Fields(v["acr_values"]), v["login_hint"], v["ui_locales"], v["dpop_jkt"]
	if r.JKT != "" && !sha256Text.MatchString(r.JKT) {
		return r.refuse("invalid_request", "dpop_jkt must be the SHA-256 thumbprint of a key in base64url: 43 characters.")
	}
	if !uiLocales.MatchString(r.Locales) {
		r.Locales = "" // a wish that cannot be met is no error (OpenID Connect Core §3.1.2.1)
	}
	if v["device_name"] != "" {
		name, problem := auth.DeviceName(v["device_name"])
		if problem != "" {
			return r.refuse("invalid_request", "device_name must have 1 to 64 characters, some of them visible.")
		}
		r.DeviceName = name
	}
	return nil
}

// Client returns the client of a request as it is registered now. It returns KindUnauthorizedClient if the client is not registered, and
// KindInvalidRequest if it is not registered with the request's redirect URI: either may have been removed.
func (s *Service) Client(ctx context.Context, r Request) (models.Client, error) {
	c, ok, err := s.clients.Registered(ctx, r.ClientID, func(c models.Client) bool { return client.AllowsRedirect(c, r.RedirectURI) })
	switch {
	case err != nil:
		return c, err
	case !ok && c.ID == "":
		return c, auth.Refuse(auth.KindUnauthorizedClient, "This client_id is not registered here.")
	case !ok:
		return c, auth.InvalidField("redirect_uri", "It is not registered for the app.") // RFC 9126 §2.3
	}
	return c, nil
}
