package views

import "net/url"

// hostname is the host name of this server, to which passkeys belong.
func (p DocsPage) hostname() string {
	u, err := url.Parse(p.BaseURL)
	if err != nil {
		return p.BaseURL
	}
	return u.Hostname()
}

const (
	stepUpServer = `stepUp := verifier.Require(
    resource.ACR(resource.TwoFactors), resource.MaxAge(5*time.Minute))
http.Handle("/transfer", stepUp(transfer))`

	stepUpAnswer = `HTTP/1.1 401 Unauthorized
WWW-Authenticate: Bearer error="insufficient_user_authentication",
  error_description="more recent authentication is required",
  acr_values="aal2", max_age="300"`

	nativeCommand = `latchkey client update notes \
  --ios-app A1B2C3D4E5.com.example.notes \
  --android-app com.example.notes=14:6D:E9:…:3D:5C`
)
