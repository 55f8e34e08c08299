// Package resource is what a server imports that accepts Latchkey's access tokens: a Verifier, and a Middleware for
// net/http. It asks nobody for each request. The issuer's keys and its status lists (package statuslist) are fetched in the
// background, so that a token costs one signature check the first time, a hash and a look-up in memory from
// then on, and a device that is signed out is refused as soon as the next list is here.
//
//	verifier, err := resource.New(resource.Config{
//		Issuer:   "https://id.example.com",
//		Audience: "https://api.example.com",
//	})
//	…
//	defer verifier.Close()
//	http.Handle("/photos", verifier.Middleware(photos))
//
// Within photos, resource.ClaimsFrom(r.Context()) says who asks, and from which device.
//
// # While the issuer cannot be reached
//
// Everything that is held goes on being used: keys for Config.KeysMaxAge, each list for Config.MaxStaleness or until its own
// exp. A token that the list calls revoked is refused all that time, and after it. Then other tokens get ErrUnavailable, a 503, or
// are accepted if Config.FailOpen says so.
//
// # Tokens bound to a key
//
// Set Config.DPoP.BaseURL to this server's public URL. A token that is bound to a key (RFC 9449) is then accepted with a
// proof by that key for this very request, once, and never as a bearer token. Without BaseURL bound tokens are refused. Proofs are
// remembered by each process for itself: whoever reads one on its way could use it again at another replica within DPoP.MaxAge.
//
// The package imports neither the database nor the rest of the server.
package resource
