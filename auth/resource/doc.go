// Package resource verifies Latchkey's access tokens in a resource server. It provides a Verifier, and a Middleware for net/http.
// It makes no call to the issuer for each request: it fetches the issuer's keys and status lists (package statuslist) in the
// background. A token costs one signature check the first time, and a hash and a lookup in memory from then on. A token of a device
// that was signed out is refused as soon as the next list has arrived.
//
//	verifier, err := resource.New(resource.Config{
//		Issuer:   "https://id.example.com",
//		Audience: "https://api.example.com",
//	})
//	…
//	defer verifier.Close()
//	http.Handle("/photos", verifier.Middleware(photos))
//
// Within photos, resource.ClaimsFrom(r.Context()) returns the user and the device.
//
// # Sensitive routes
//
// Every token says when, and with how many factors, the person last proved who they are (Claims.AuthTime and ACR). A route may
// demand more than a valid token (step-up authentication, RFC 9470):
//
//	stepUp := verifier.Require(resource.ACR(resource.TwoFactors), resource.MaxAge(5*time.Minute))
//	http.Handle("/transfer", stepUp(transfer))
//
// A token that falls short gets 401 with insufficient_user_authentication and what is demanded. The app then asks the person to
// confirm (POST /api/confirmation at the issuer) and refreshes, or sends them to the issuer in the browser again with max_age and
// acr_values. Then it repeats the call. Tokens of devices that signed in before the issuer recorded it say nothing, and meet no demand.
//
// An app that the operator registered with scopes has them in its tokens (Claims.Scopes). A route may demand them, too:
//
//	http.Handle("/albums", verifier.Require(resource.Scope("albums:write"))(albums))
//
// A token without them gets 403 with insufficient_scope. The tokens of first-party apps name no scopes, and meet no such demand.
//
// # Being found
//
// With Config.Metadata the verifier publishes what a client must know of this server (RFC 9728): which issuer, which scopes, and
// whether keys are taken. Each refusal points to that document:
//
//	http.Handle("GET "+verifier.MetadataPath(), verifier.Metadata())
//
// # While the issuer cannot be reached
//
// The verifier goes on using what it has: keys for Config.KeysMaxAge, and each list for Config.MaxStaleness or until its own exp.
// It refuses tokens that the list calls revoked all that time, and after it. From then on all other tokens get ErrUnavailable, a
// 503, unless Config.FailOpen accepts them.
//
// # Tokens bound to a key
//
// Set Config.DPoP.BaseURL to this server's public URL. A token that is bound to a key (RFC 9449) is then accepted with a proof by
// that key for this request, once, and never as a bearer token. Without BaseURL, bound tokens are refused. Each process remembers
// its own proofs only: an attacker who reads a proof in transit could use it again at another replica within DPoP.MaxAge.
//
// The package imports neither the database nor the rest of the server.
package resource
