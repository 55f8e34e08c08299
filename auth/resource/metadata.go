package resource

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"latchkey/auth/dpop"
	"latchkey/auth/origin"
)

// metadataName is the well-known name of a protected resource's description (RFC 9728 §3).
const metadataName = "/.well-known/oauth-protected-resource"

// Metadata describes this server to clients that do not know it yet (RFC 9728 §2).
type Metadata struct {
	// Resource is this server's resource identifier: its public URL, https unless AllowHTTP is set or it is this machine, without a fragment.
	// Usually it is Config.Audience. Default: none, and nothing is published.
	Resource string
	// Scopes are those that calls of this server may need. Default: none are named.
	Scopes []string
	// Name is what people call this server. Default: none.
	Name string
	// Documentation is the URL of a page for developers. Default: none.
	Documentation string
}

// metadataAt returns the URL of the document: the path of the resource, and its query, follow the well-known name (RFC 9728 §3.1).
func (c Config) metadataAt() (string, error) {
	if c.Metadata.Resource == "" {
		return "", nil
	}
	u, err := c.checkURL("Metadata.Resource", c.Metadata.Resource)
	if err != nil {
		return "", err
	}
	if strings.ContainsAny(c.Metadata.Resource, "#\"\\ ") {
		return "", errors.New("resource: Metadata.Resource has a character that it cannot have")
	}
	path := u.EscapedPath()
	if path == "/" {
		path = ""
	}
	at := origin.Of(u) + metadataName + path
	if u.RawQuery != "" {
		at += "?" + u.RawQuery
	}
	return at, nil
}

// MetadataPath returns the path at which to serve Metadata, such as /.well-known/oauth-protected-resource/photos for the resource
// https://api.example.com/photos; or "" without Config.Metadata.Resource.
func (v *Verifier) MetadataPath() string {
	u, err := url.Parse(v.metadataURL)
	if err != nil {
		return ""
	}
	return u.Path
}

// Metadata serves the description of this server to everybody, scripts of other origins included. Refuse points to it.
//
//	http.Handle("GET "+verifier.MetadataPath(), verifier.Metadata())
func (v *Verifier) Metadata() http.Handler {
	c := v.config
	document := struct {
		Resource      string   `json:"resource"`
		Servers       []string `json:"authorization_servers"`
		Scopes        []string `json:"scopes_supported,omitempty"`
		Methods       []string `json:"bearer_methods_supported"`
		Name          string   `json:"resource_name,omitempty"`
		Documentation string   `json:"resource_documentation,omitempty"`
		DPoPAlgs      []string `json:"dpop_signing_alg_values_supported,omitempty"`
		DPoPRequired  bool     `json:"dpop_bound_access_tokens_required,omitempty"`
	}{
		Resource: c.Metadata.Resource, Servers: []string{c.Issuer}, Scopes: c.Metadata.Scopes, Methods: []string{"header"},
		Name: c.Metadata.Name, Documentation: c.Metadata.Documentation, DPoPRequired: c.DPoP.Required,
	}
	if c.DPoP.BaseURL != "" {
		document.DPoPAlgs = dpop.Algs
	}
	body, _ := json.Marshal(document) // texts alone: it cannot fail
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		switch r.Method {
		case http.MethodGet, http.MethodHead:
		default:
			h.Set("Allow", "GET, HEAD")
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		h.Set("Content-Type", "application/json")
		h.Set("Cache-Control", "public, max-age=300")
		_, _ = w.Write(body)
	})
}
