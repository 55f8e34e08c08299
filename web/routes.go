package web

import (
	"net/http"
	"strings"

	"latchkey/auth/client"
	"latchkey/web/wire"
)

// anyScope is for what every access token may do.
const anyScope = ""

// routes is everything that is served, each with its guard: page and api are for everybody, anySite also for forms of other sites, demo is for the
// demonstration, signedIn asks for a live browser and a password of its owner's choice, form also for the account that the sent form
// was made for, anyPassword and anyPasswordForm also let generated passwords pass,
// setUp and setUpForm people who must set up a second factor first, supportOnly and supportForm ask for
// one of the support staff's browsers, bearer for an access token with a scope, backend for a client's own with a scope, openID for one with the scope openid. The guards also say in which form an error is answered.
func (s *Server) routes() {
	for pattern, handler := range map[string]http.Handler{
		"GET /{$}":                            s.page(s.home),
		"GET /login":                          s.page(s.loginForm),
		"POST /login":                         s.page(s.login),
		"GET /login/verify":                   s.page(s.loginVerifyForm),
		"POST /login/verify":                  s.page(s.loginVerify),
		"POST /login/passkey":                 s.page(s.loginPasskey),
		"GET /signup":                         s.page(s.signupForm),
		"POST /signup":                        s.page(s.signup),
		"POST /logout":                        s.page(s.logout),
		"GET /authorize":                      s.signedIn(s.consentForm),
		"POST /authorize":                     s.form(s.consent),
		"GET /device":                         s.signedIn(s.deviceCodeForm),
		"POST /device":                        s.form(s.deviceCode),
		"GET /account":                        s.anyPassword(s.accountLink),
		"POST /language":                      s.page(s.language),
		"GET /devices":                        s.anyPassword(s.listDevices),
		"GET /devices/{id}/revoke":            s.anyPassword(s.deviceRevokeForm),
		"POST /devices/{id}/revoke":           s.anyPasswordForm(s.deviceRevoke),
		"GET /devices/{id}/revoke-since":      s.anyPassword(s.deviceRevokeSinceForm),
		"POST /devices/{id}/revoke-since":     s.anyPasswordForm(s.deviceRevokeSince),
		"POST /devices/{id}/rename":           s.form(s.deviceRename),
		"GET /devices/{id}":                   s.anyPassword(s.deviceStory),
		"GET /devices/revoke-selected":        s.anyPassword(s.devicesRevokeSelectedForm),
		"POST /devices/revoke-selected":       s.anyPasswordForm(s.devicesRevokeSelected),
		"GET /devices/revoke-others":          s.anyPassword(s.devicesRevokeOthersForm),
		"POST /devices/revoke-others":         s.anyPasswordForm(s.devicesRevokeOthers),
		"POST /devices/alerts/dismiss":        s.form(s.alertsDismiss),
		"GET /activity":                       s.signedIn(s.activity),
		"GET /security":                       s.signedIn(s.security),
		"POST /security":                      s.form(s.passwordChange), // an alias of POST /security/password
		"GET /security/passkeys":              s.signedIn(s.passkeys),
		"POST /security/passkeys":             s.setUpForm(s.passkeyAdd),
		"GET /security/passkeys/{id}/rename":  s.signedIn(s.passkeyRenameForm),
		"POST /security/passkeys/{id}/rename": s.form(s.passkeyRename),
		"GET /security/passkeys/{id}/remove":  s.signedIn(s.passkeyRemoveForm),
		"POST /security/passkeys/{id}/remove": s.form(s.passkeyRemove),
		"GET /security/app":                   s.signedIn(s.authenticatorApp),
		"POST /security/app":                  s.setUpForm(s.authenticatorAppAdd),
		"GET /security/app/remove":            s.signedIn(s.authenticatorAppRemoveForm),
		"POST /security/app/remove":           s.form(s.authenticatorAppRemove),
		"GET /security/codes":                 s.signedIn(s.recoveryCodes),
		"POST /security/codes":                s.setUpForm(s.recoveryCodesMake),
		"GET /security/browsers":              s.signedIn(s.trustedBrowsers),
		"POST /security/browsers/end":         s.form(s.trustedBrowserEnd),
		"POST /security/browsers/{id}/end":    s.form(s.trustedBrowserEnd),
		"GET /security/setup":                 s.setUp(s.setupForm),
		"GET /security/secure":                s.signedIn(s.secure),
		"POST /security/setup/code":           s.setUpForm(s.setupCode),

		"POST /security/later":            s.form(s.passwordLater),
		"GET /security/password":          s.anyPassword(s.passwordForm),
		"POST /security/password":         s.anyPasswordForm(s.choosePassword),
		"GET /security/data":              s.signedIn(s.accountDataForm),
		"POST /security/data":             s.form(s.accountData),
		"GET /security/delete":            s.signedIn(s.accountDeleteForm),
		"POST /security/delete":           s.form(s.accountDelete),
		"GET /support":                    s.supportOnly(s.supportDesk),
		"POST /support":                   s.supportForm(s.supportSearch),
		"GET /support/users/{id}":         s.supportOnly(s.supportUser),
		"POST /support/users/{id}/reason": s.supportForm(s.supportReason),
		"GET /gallery":                    s.onShow(s.galleryIndex),
		"GET /gallery/{state...}":         s.onShow(s.galleryState),
		"GET /signup/sent":                s.page(s.signupSent),
		"GET /forgot":                     s.page(s.passwordResetRequestForm),
		"POST /forgot":                    s.page(s.passwordResetRequest),
		"GET /forgot/sent":                s.page(s.passwordResetSent),
		"GET /security/ways-back":         s.signedIn(s.waysBack),
		"POST /security/ways-back":        s.form(s.waysBackEnd),
		"GET /security/email":             s.signedIn(s.emailChangeForm),
		"POST /security/email":            s.form(s.emailChange),
		"POST /security/email/cancel":     s.form(s.emailChangeCancel),
		"GET /gallery/mail":               s.inEnglish(s.demo(s.galleryMails).ServeHTTP),
		"GET /gallery/mail/{id}":          s.inEnglish(s.demo(s.galleryMail).ServeHTTP),
		"GET /static/":                    s.files,
		"GET /favicon.ico":                s.page(s.favicon),
		"GET " + manifestPath:             s.api(s.manifest),

		"GET /signup/confirm":         s.page(s.follow(signupLink)),
		"GET /signup/confirm/{link}":  s.page(s.followed(signupLink, s.signupConfirmForm)),
		"POST /signup/confirm":        s.page(s.unnamed(signupLink)),
		"POST /signup/confirm/{link}": s.page(s.followed(signupLink, s.signupConfirm)),

		"GET /reset":         s.page(s.follow(passwordResetLink)),
		"GET /reset/{link}":  s.page(s.followed(passwordResetLink, s.passwordResetForm)),
		"POST /reset":        s.page(s.unnamed(passwordResetLink)),
		"POST /reset/{link}": s.page(s.followed(passwordResetLink, s.passwordReset)),

		"GET /invite":         s.page(s.follow(inviteLink)),
		"GET /invite/{link}":  s.page(s.followed(inviteLink, s.inviteForm)),
		"POST /invite":        s.page(s.unnamed(inviteLink)),
		"POST /invite/{link}": s.page(s.followed(inviteLink, s.invite)),

		"GET /email/confirm":         s.page(s.follow(emailLink)),
		"GET /email/confirm/{link}":  s.page(s.followed(emailLink, s.emailConfirmForm)),
		"POST /email/confirm":        s.page(s.unnamed(emailLink)),
		"POST /email/confirm/{link}": s.page(s.followed(emailLink, s.emailConfirm)),

		"GET /email/undo":                  s.page(s.follow(undoLink)),
		"GET /email/undo/{link}":           s.page(s.followed(undoLink, s.emailUndoForm)),
		"POST /email/undo":                 s.page(s.unnamed(undoLink)),
		"POST /email/undo/{link}":          s.page(s.followed(undoLink, s.emailUndo)),
		"POST /email/undo/{link}/password": s.page(s.followed(undoLink, s.emailUndoPassword)),

		"GET /not-me":                  s.page(s.follow(notMeLink)),
		"GET /not-me/{link}":           s.page(s.followed(notMeLink, s.notMeForm)),
		"POST /not-me":                 s.page(s.unnamed(notMeLink)),
		"POST /not-me/{link}":          s.page(s.followed(notMeLink, s.notMe)),
		"POST /not-me/{link}/password": s.page(s.followed(notMeLink, s.notMePassword)),

		"POST /api/login":                s.api(s.apps.Login),
		"POST /api/login/factor":         s.api(s.apps.LoginFactor),
		"POST /api/login/passkey":        s.api(s.apps.LoginPasskey),
		"POST /api/login/replace":        s.api(s.apps.LoginReplace),
		"POST /api/confirmation":         s.bearer(client.OwnDevicesWrite, s.apps.Confirmation),
		"POST /api/confirmation/factor":  s.bearer(client.OwnDevicesWrite, s.apps.ConfirmationFactor),
		"POST /api/confirmation/passkey": s.bearer(client.OwnDevicesWrite, s.apps.ConfirmationPasskey),
		"GET /api/whoami":                s.bearer(anyScope, s.apps.Whoami),
		"GET /api/devices":               s.bearer(client.OwnDevicesRead, s.apps.Devices),
		"PATCH /api/devices/{id}":        s.bearer(client.OwnDevicesWrite, s.apps.DeviceRename),
		"DELETE /api/devices/{id}":       s.bearer(client.OwnDevicesWrite, s.apps.DeviceRevoke),

		"DELETE /api/devices/{id}/since": s.bearer(client.OwnAccountWrite, s.apps.DeviceRevokeSince),

		"PUT /api/account/password":        s.bearer(client.OwnAccountWrite, s.apps.AccountPassword),
		"PUT /api/account/email":           s.bearer(client.OwnAccountWrite, s.apps.AccountEmail),
		"DELETE /api/account":              s.bearer(client.OwnAccountWrite, s.apps.AccountDelete),
		"DELETE /api/devices":              s.bearer(client.OwnDevicesWrite, s.apps.DevicesRevokeOthers),
		"POST /api/account":                s.api(s.apps.AccountSignup),
		"POST /api/account/password-reset": s.api(s.apps.AccountPasswordReset),

		"GET /api/admin/users":                               s.backend(client.UsersRead, s.apps.AdminUsers),
		"POST /api/admin/users":                              s.backend(client.UsersWrite, s.apps.AdminUserCreate),
		"GET /api/admin/users/{id}":                          s.backend(client.UsersRead, s.apps.AdminUser),
		"PATCH /api/admin/users/{id}":                        s.backend(client.UsersWrite, s.apps.AdminUserChange),
		"DELETE /api/admin/users/{id}":                       s.backend(client.UsersDelete, s.apps.AdminUserDelete),
		"GET /api/admin/users/{id}/devices":                  s.backend(client.UsersRead, s.apps.AdminDevices),
		"DELETE /api/admin/users/{id}/devices":               s.backend(client.DevicesWrite, s.apps.AdminDevicesRevoke),
		"DELETE /api/admin/users/{id}/devices/{device}":      s.backend(client.DevicesWrite, s.apps.AdminDeviceRevoke),
		"POST /api/admin/users/{id}/password/reset":          s.backend(client.CredentialsWrite, s.apps.AdminPasswordReset),
		"POST /api/admin/users/{id}/password/require-change": s.backend(client.CredentialsWrite, s.apps.AdminPasswordChange),
		"GET /api/admin/users/{id}/factors":                  s.backend(client.UsersRead, s.apps.AdminFactors),
		"DELETE /api/admin/users/{id}/factors":               s.backend(client.CredentialsWrite, s.apps.AdminFactorsReset),
		"GET /api/admin/events":                              s.backend(client.EventsRead, s.apps.AdminEvents),
		"POST /api/admin/imports":                            s.backend(client.UsersWrite, s.apps.AdminImport),

		"GET /oauth/authorize":             s.page(s.authorize),
		"POST /oauth/authorize":            s.anySite(s.authorize),
		"POST /oauth/par":                  s.oauth(s.apps.PushedRequest),
		"POST /oauth/token":                s.oauth(s.apps.Token),
		"POST /oauth/device_authorization": s.oauth(s.apps.DeviceAuthorization),
		"POST /oauth/revoke":               s.oauth(s.apps.Revoke),
		"POST /oauth/introspect":           s.oauth(s.apps.Introspect),
		"GET /oauth/logout":                s.page(s.oauthLogoutForm),
		"POST /oauth/logout":               s.anySite(s.oauthLogout),
		"GET /oauth/userinfo":              s.openID(s.apps.UserInfo),
		"POST /oauth/userinfo":             s.openID(s.apps.UserInfo),

		"GET /docs":         s.inEnglish(s.page(s.docs).ServeHTTP),
		"GET /docs/{name}":  s.inEnglish(s.page(s.docsOf).ServeHTTP),
		"GET /openapi.yaml": s.api(s.apps.OpenAPI),

		"GET /.well-known/jwks.json":                            s.api(s.apps.JWKS),
		"GET /.well-known/oauth-authorization-server":           s.api(s.apps.Metadata),
		"GET /.well-known/oauth-authorization-server/{path...}": s.api(s.apps.IssuerMetadata),
		"GET /.well-known/openid-configuration":                 s.api(s.apps.Metadata),
		"GET /.well-known/openid-configuration/{path...}":       s.api(s.apps.IssuerMetadata),

		"GET /.well-known/oauth-protected-resource":           s.api(s.apps.ProtectedResource),
		"GET /.well-known/oauth-protected-resource/{path...}": s.api(s.apps.IssuerProtectedResource),

		"GET /.well-known/change-password": s.api(s.changePassword),
		"GET /.well-known/security.txt":    s.api(s.securityText),

		"GET /.well-known/apple-app-site-association": s.api(s.apps.AppleApps),
		"GET /.well-known/assetlinks.json":            s.api(s.apps.AndroidApps),

		"GET /statuslists/{id}": s.api(s.apps.StatusList),

		"GET /healthz": s.api(s.healthz),
		"GET /readyz":  s.api(s.readyz),
	} {
		s.mux.Handle(pattern, handler)
	}
	if path := s.apps.IssuerPath(); path != "" {
		s.mux.Handle("GET "+path+openIDDocument, s.api(s.apps.Metadata)) // OpenID Connect Discovery §4; those above are RFC 8414's
	}
}

// openIDDocument is the path of the metadata after an issuer.
const openIDDocument = "/.well-known/openid-configuration"

// dispatch finds the route. A path or method without one is answered in the form of its neighbours.
func (s *Server) dispatch(w http.ResponseWriter, r *http.Request) {
	handler, pattern := s.mux.Handler(r)
	if pattern != "" {
		request(r).Route = pattern
		if strings.Contains(pattern, "{") {
			handler = s.mux // which sets the path values
		}
		handler.ServeHTTP(w, r)
		return
	}
	refusal := refusedRoute{header: http.Header{}}
	handler.ServeHTTP(&refusal, r)
	err := error(wire.ErrNoRoute)
	if refusal.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", refusal.header.Get("Allow"))
		err = wire.ErrMethod
	}
	s.answerByPath(w, r, err)
}

// answerByPath answers an error where no guard could, in the form of the address.
func (s *Server) answerByPath(w http.ResponseWriter, r *http.Request, err error) {
	switch path := r.URL.Path; {
	case path == "/oauth/authorize", path == oauthLogoutPath:
		s.answerPage(w, r, err)
	case strings.HasPrefix(path, "/oauth/"):
		s.apps.AnswerOAuth(w, r, err)
	case strings.HasPrefix(path, "/api/"), strings.HasPrefix(path, "/.well-known/"), strings.HasPrefix(path, "/statuslists/"),
		path == "/openapi.yaml", path == "/healthz", path == "/readyz":
		s.apps.AnswerProblem(w, r, err)
	default:
		s.answerPage(w, r, err)
	}
}

// refusedRoute takes what ServeMux says of a request that it has no route for.
type refusedRoute struct {
	header http.Header
	status int
}

func (w *refusedRoute) Header() http.Header         { return w.header }
func (w *refusedRoute) Write(b []byte) (int, error) { return len(b), nil }
func (w *refusedRoute) WriteHeader(status int)      { w.status = status }
