package web

import (
	"net/http"
	"slices"
	"strings"
)

// Scripts of other origins may read public documents, and what a registered origin asks of the API (Fetch, "CORS protocol"). Their
// requests never carry cookies: there is no Access-Control-Allow-Credentials.
const (
	corsMethods       = "GET, HEAD, POST, PUT, PATCH, DELETE"
	corsHeaders       = "Authorization, Content-Type, DPoP"
	corsExposed       = "DPoP-Nonce, Retry-After, WWW-Authenticate, X-Request-Id"
	corsPublicMethods = "GET, HEAD"
	corsPublicHeaders = "*, Authorization" // the star does not mean Authorization, which some apps add to all requests
	corsPublicExposed = "ETag, Retry-After, X-Request-Id"
	corsMaxAge        = "7200" // seconds: as long as any browser keeps it
)

// publicDocuments are what any origin may read, by the beginning of their paths.
var publicDocuments = []string{
	"/.well-known/jwks.json", "/.well-known/oauth-authorization-server", openIDDocument, "/.well-known/oauth-protected-resource",
	"/.well-known/apple-app-site-association", "/.well-known/assetlinks.json",
	"/statuslists/", "/openapi.yaml",
}

// cors answers preflights, and lets scripts of other origins read the answers that are meant for them, refusals and failures included.
func (s *Server) cors(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		methods, headers := corsMethods, corsHeaders
		switch path := r.URL.Path; {
		case slices.ContainsFunc(publicDocuments, func(document string) bool { return strings.HasPrefix(path, document) }), strings.HasSuffix(path, openIDDocument):
			h.Set("Access-Control-Allow-Origin", "*") // for every request: a cache may keep the answer for others
			h.Set("Access-Control-Expose-Headers", corsPublicExposed)
			h.Set("Cross-Origin-Resource-Policy", "cross-origin")
			methods, headers = corsPublicMethods, corsPublicHeaders
		case path == "/oauth/token", path == "/oauth/revoke", path == "/oauth/userinfo", path == "/oauth/par", strings.HasPrefix(path, "/api/"):
			h.Add("Vary", "Origin")
			if origins := r.Header.Values("Origin"); len(origins) == 1 && s.clients.AllowsOrigin(r.Context(), origins[0]) {
				h.Set("Access-Control-Allow-Origin", origins[0])
				h.Set("Access-Control-Expose-Headers", corsExposed)
			}
		default:
			next.ServeHTTP(w, r)
			return
		}
		if r.Method != http.MethodOptions || r.Header.Get("Origin") == "" || r.Header.Get("Access-Control-Request-Method") == "" {
			next.ServeHTTP(w, r)
			return
		}
		request(r).Route = "preflight"
		h.Del("Access-Control-Expose-Headers")
		if h.Get("Access-Control-Allow-Origin") != "" {
			h.Set("Access-Control-Allow-Methods", methods)
			h.Set("Access-Control-Allow-Headers", headers)
			h.Set("Access-Control-Max-Age", corsMaxAge)
		}
		w.WriteHeader(http.StatusNoContent)
	})
}
