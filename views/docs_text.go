package views

import "strings"

// DocsPage is the manual for developers of apps.
type DocsPage struct {
	Shell
	BaseURL       string   // of this server: curl lines can be copied as they stand
	Issuer        string   // of its tokens, from which libraries find the rest
	DPoPRequired  bool     // new devices must be bound to a key
	NonceRequired bool     // proofs must carry a nonce of the server's
	WebhookTypes  []string // of messages
	EventKinds    []string // that an account's data may hold
}

// at puts the addresses of this server into an example.
func (p DocsPage) at(text string) string {
	return strings.NewReplacer("{base}", p.BaseURL, "{issuer}", p.Issuer).Replace(text)
}

// The walk through the API. Each part goes on where the one before it ended.
const (
	walkAccount = `EMAIL='you@example.com'
PASSWORD='your own password'`

	walkLogin = `curl -s {base}/api/login -H 'Content-Type: application/json' \
  -d "{\"email\":\"$EMAIL\",\"password\":\"$PASSWORD\",\"device_name\":\"phone\"}" \
  | tee answer.json`

	tokenAnswer = `{"access_token":"eyJ…","token_type":"Bearer","expires_in":900,
 "refresh_token":"lk1.…","refresh_in":741,
 "device_id":"01a20987-ee3e-7299-8ce8-119a91a6da0e","device_name":"phone"}`

	walkUse = `ACCESS=$(sed 's/.*"access_token":"\([^"]*\)".*/\1/' answer.json)
REFRESH=$(sed 's/.*"refresh_token":"\([^"]*\)".*/\1/' answer.json)
curl -s {base}/api/whoami -H "Authorization: Bearer $ACCESS"
curl -s {base}/api/devices -H "Authorization: Bearer $ACCESS"`

	walkRefresh = `curl -s {base}/oauth/token -d grant_type=refresh_token \
  -d "refresh_token=$REFRESH" | tee answer.json
ACCESS=$(sed 's/.*"access_token":"\([^"]*\)".*/\1/' answer.json)
REFRESH=$(sed 's/.*"refresh_token":"\([^"]*\)".*/\1/' answer.json)`

	walkOut = `curl -s -X PATCH {base}/api/devices/current -H "Authorization: Bearer $ACCESS" \
  -H 'Content-Type: application/json' -d '{"name":"my phone"}'
curl -s -o /dev/null -w '%{http_code}\n' {base}/oauth/revoke -d "token=$REFRESH"
curl -s {base}/oauth/token -d grant_type=refresh_token \
  -d "refresh_token=$REFRESH"
rm answer.json`

	walkRefused = `{"error":"invalid_grant","error_description":"The device was signed out.","reason":"revoked"}`

	discover = `curl -s {base}/.well-known/oauth-authorization-server
curl -s {base}/.well-known/jwks.json
curl -s {base}/openapi.yaml -o latchkey.yaml`
)

// docsWay is a kind of app, and the section that is for it.
type docsWay struct{ app, take, section, why string }

var docsWays = []docsWay{
	{"An app for iOS or Android", "AppAuth", "appauth", ", which opens the phone’s browser."},
	{"A desktop program", "The browser, with a reference client", "reference", " (Go on Unix, TypeScript in Electron), or with an OpenID Connect library."},
	{"A single-page app, or one in Capacitor or Electron", "The browser, with a key", "browser", " that no script can export."},
	{"A television, or a command line without a browser", "A code on the screen", "device", " that the person enters on their phone."},
	{"A website with a server of its own", "The browser, as a confidential client", "confidential", ", whose tokens stay on your server."},
	{"A first-party app with its own sign-in form", "The sign-in endpoint", "login", " and a second step that you build. Third-party apps must never ask for the password."},
	{"A server that your apps call", "Verify access tokens", "servers", " without a call to this server."},
	{"A backend that manages accounts", "A token of its own", "backend", " for /api/admin, and webhooks."},
}

// advice is one line of a table of errors.
type advice struct{ code, means, do string }

// grantReasons are the reasons of invalid_grant.
var grantReasons = []advice{
	{"revoked", "The device was signed out: by its owner, by a new password, or by an operator.", "Sign in again."},
	{"reused", "An old token came back. It may have been copied, so the device was signed out, for its owner and for a thief. A phone restored from a backup may be the cause.", "Sign in again, and say why."},
	{"expired", "The device has reached the age that was set when it signed in.", "Sign in again."},
	{"idle", "The device was not seen for too long.", "Sign in again."},
	{"refresh_limit", "The device has used up its refreshes.", "Sign in again."},
	{"unknown_device", "The token belongs to no device here or to another client_id, or it is bound to another key.", "Sign in again. After a restore, make a new key first."},
	{"malformed", "The token is not from this server.", "Sign in again, and look for an error in how the app stores it."},
}

// otherErrors are all the others: the error of the OAuth endpoints, the code of the rest.
var otherErrors = []advice{
	{"temporarily_unavailable", "429 and 5xx at the OAuth endpoints. Nothing was consumed.", "Send the same token again after Retry-After."},
	{"unavailable", "503: the database does not answer, or too many people sign in at once.", "Try again after Retry-After."},
	{"rate_limited", "429: too many wrong passwords, sign-ins or proofs of one account.", "Try again after Retry-After; do not sign out."},
	{"internal", "500: an error in the server. Nothing was consumed.", "Try again after Retry-After."},
	{"request_timeout", "408: the body did not arrive in time.", "Try again."},
	{"invalid_token", "401: the access token has expired, its device was signed out, or it is for other servers: see Scopes.", "Refresh once and repeat the call. When the refresh is refused, sign in."},
	{"insufficient_scope", "403: the app was registered with scopes, and this call needs another; WWW-Authenticate names it. A refresh does not help.", "Leave the call out, or have the operator change the client. If the scope is openid, ask for it at the next sign-in."},
	{"unauthenticated", "401: there was no access token.", "Send one."},
	{"use_dpop_nonce", "The proof must carry the nonce that came in DPoP-Nonce: the server asks for one, or the device’s clock is wrong.", "Make a new proof with it and repeat. The token is still good."},
	{"invalid_dpop_proof", "The proof is missing, was made for another request, or was used before.", "Make a new proof and repeat. The token is still good."},
	{"invalid_credentials", "The e-mail address or password is wrong. With an access token it is 403, else 401.", "Ask again."},
	{"account_disabled", "The password is right, and an operator has closed the account.", "Tell the person."},
	{"second_factor_required", "403: the password is right. With a challenge, the second step follows; without one, the action needs a confirmation.", "Take the second step, or confirm."},
	{"second_factor_setup_required", "403: the password is right, and this service wants a second factor that the account does not have yet.", "Open setup_uri in the browser, then sign in again."},
	{"invalid_code", "401: the code or the passkey is wrong, or the code was used before; attempts_left says how many more answers the challenge takes. It is not about the access token.", "Ask again; at 0 begin again."},
	{"invalid_challenge", "401: the challenge was used, is too old, or ended with a new password or a change of factors. It is not about the access token.", "Begin again, with the password or the passkey."},
	{"invalid_confirmation", "403: the confirmation was used or tried ten times, is too old, was given to another device or key, or the account has changed since.", "Confirm again."},
	{"factor_too_new", "403: what confirmed the act was added after the device signed in, and would be removed.", "Confirm with an older passkey, app or code, or send factors: keep."},
	{"not_allowed", "403: the account has no passkey, or this server can have none. Of a deletion: the account is one of the support staff’s, or its former e-mail address can still take it back.", "Ask for the password. Of a deletion: show the text."},
	{"password_change_required", "403: the person is verified, and an operator made the password. Its owner must choose another first.", "Open setup_uri in the browser, then sign in again."},
	{"too_many_devices", "409: everything is proved, and the account is signed in on as many devices as it may be. With a challenge, devices lists those of your app.", "Ask which device to sign out, and send it to /api/login/replace. Without a challenge, offer the page /devices."},
	{"reauthentication_required", "403: renaming or signing out another device needs the password or a confirmation; an act on the account needs a confirmation.", "Ask for the password, confirm, and repeat with the confirmation."},
	{"not_found", "404: there is no such device, or it belongs to another account. Of a new e-mail address or a forgotten password: this server sends no mail.", "Load the list again."},
	{"signup_closed", "404: people cannot create accounts here.", "Hide the form; the metadata say so, too."},
	{"invalid_request", "A field is missing or wrong; errors says which. A client_id may have to be registered.", "Show it beside the field, or fix the app."},
	{"invalid_client", "401: the app is confidential and did not prove its secret, with client_secret or, at the OAuth endpoints, by HTTP Basic. /api/login and /api/login/passkey ask for it, too. Or the app is public and sent a secret by HTTP Basic, or it is not registered.", "Fix the app. The token is still good."},
	{"unsupported_grant_type", "The metadata names the grant types that are served.", "Fix the app."},
	{"invalid_scope", "scope must be names separated by single spaces.", "Fix the app."},
	{"unsupported_response_type", "Only code is served.", "Fix the app."},
	{"request_not_supported", "A request object was sent.", "Send the parameters themselves."},
	{"request_uri_not_supported", "request_uri is not one that /oauth/par returned.", "Fix the app."},
	{"invalid_request_uri", "The request_uri is older than ten minutes, or was answered already.", "Start a new request."},
	{"registration_not_supported", "registration was sent: the operator registers apps.", "Fix the app."},
	{"unauthorized_client", "The client is not registered for this grant.", "Ask the operator."},
	{"authorization_pending", "No one has approved the device code yet.", "Ask again after the interval."},
	{"slow_down", "The same, and the device asked too soon.", "Wait 5 seconds longer from now on."},
	{"access_denied", "The person chose Cancel or Deny, or the approval has ended with their account or browser.", "Offer to start again, by a button."},
	{"login_required", "prompt=none, and the person must sign in or prove again who they are; or login_hint or id_token_hint names another account.", "Send the person to the page, without prompt=none."},
	{"interaction_required", "prompt=none, and the person has not approved this app in this browser, must choose a password, must set up a second factor or must choose a device to sign out; or the redirect URI is not https.", "Send the person to the page, without prompt=none."},
	{"expired_token", "The device code has expired.", "Start again when the person wants to."},
	{"payload_too_large", "413: more than 64 KiB.", "Fix the app."},
	{"unsupported_media_type", "415: neither JSON nor, at the OAuth endpoints, a form; not in UTF-8; or compressed.", "Fix the app."},
	{"email_taken", "409, to a backend: another account has the e-mail address, or may take it back.", "Show it beside the field."},
	{"external_id_taken", "409, to a backend: another account has the external_id.", "Find that account by it."},
	{"idempotency_key_reused", "422, to a backend: the Idempotency-Key came with another request before.", "Make a new key for each account."},
	{"method_not_allowed", "405: Allow says what the URL takes.", "Fix the app."},
}

// claim is one claim of an access token, and where it is defined.
type claim struct{ name, means, source string }

// tokenClaims are all that an access token says.
var tokenClaims = []claim{
	{"iss", "Who made the token: this server. Compare it letter for letter.", "RFC 7519, 4.1.1"},
	{"sub", "The account, as a UUID. It stays the same when the e-mail address changes.", "RFC 7519, 4.1.2"},
	{"aud", "The servers that the token is for: yours and, if the app may use this API, this one. Refuse the token if your server is not listed; accept both a string and a list.", "RFC 7519, 4.1.3"},
	{"exp", "When it ends, in seconds since 1970; never later than its device.", "RFC 7519, 4.1.4"},
	{"iat", "When it was made.", "RFC 7519, 4.1.6"},
	{"jti", "Its own id: no two tokens have the same.", "RFC 7519, 4.1.7"},
	{"client_id", "The app that signed in.", "RFC 8693, 4.3"},
	{"sid", "The device, as device_id in the token answer. It stays the same through all refreshes.", "Front-Channel Logout 1.0, 3"},
	{"device_name", "The name of the device when the token was made. People choose it; it is missing where the operator leaves it out.", "Latchkey"},
	{"auth_time", "When the person last proved on this device who they are: at the sign-in, or with a later confirmation. A refresh does not change it. Missing, like amr and acr, for devices that signed in before this was recorded.", "OpenID Connect Core, 2"},
	{"amr", "How: pwd for a password, otp for a code, pop and user for a passkey, mfa for two factors.", "RFC 8176, 2"},
	{"acr", "With how many factors. aal1: one, or a password in a trusted browser. aal2: two; a passkey alone counts as two.", "RFC 9068, 2.2.1"},
	{"scope", "What the app may do, with spaces between. Missing where a first-party app signed in without scopes: it may do everything here.", "RFC 9068, 2.2.3"},
	{"cnf.jkt", "Only of a bound token: the thumbprint of the key whose proof must come with it.", "RFC 9449, 6.1"},
	{"status.status_list", "Where to look whether the device was signed out: uri is the list, idx its place in it. Missing where lists are turned off.", "Token Status List"},
}
