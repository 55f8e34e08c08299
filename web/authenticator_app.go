package web

import (
	"net/http"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/factor"
	"latchkey/views"
	"latchkey/views/catalog"
)

// authenticatorApp shows the authenticator app, or sets one up.
func (s *Server) authenticatorApp(w http.ResponseWriter, r *http.Request, _ *browser.Session) error {
	return s.renderApp(w, r, http.StatusOK, "", views.FormProblems{})
}

// authenticatorAppAdd turns the authenticator app on.
func (s *Server) authenticatorAppAdd(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	p, c, err := s.decodeConfirmed(w, r, "current_password", "setup", "app_code", "sign_out_others", "guided", "next", "enrol_code")
	if err != nil {
		return err
	}
	added, err := s.factors.AddApp(r.Context(), by, factor.NewApp{
		Act:    factor.Act{Confirmation: c, SignOutOthers: p["sign_out_others"] != "", EnrolCode: p["enrol_code"]},
		Sealed: p["setup"], Code: p["app_code"], From: c.From,
	})
	if err != nil {
		problems, status, ok := s.refusedAct(w, r, err, c, say(r).AppRefused())
		if !ok {
			return err
		}
		if p["guided"] != "" {
			app, err := s.factors.AppAgain(by, p["setup"])
			if err != nil {
				return err
			}
			return s.renderSetup(w, r, status, views.SetupPage{Ticket: p["ticket"], App: appSetup(app), Next: localPath(p["next"]), Enrol: printable(p["enrol_code"]), Problems: problems})
		}
		return s.renderApp(w, r, status, p["setup"], problems)
	}
	return s.factorAdded(w, r, added, catalog.Sentence{Text: say(r).AppAdded()}, p)
}

// renderApp shows the app. sealed is the secret of a form that was refused; empty: a new one is made.
func (s *Server) renderApp(w http.ResponseWriter, r *http.Request, status int, sealed string, problems views.FormProblems) error {
	by := request(r).session
	o, err := s.factors.Overview(r.Context(), by)
	if err != nil {
		return err
	}
	page := views.AppPage{Now: by.Device.LastSeenAt, Closed: o.Closed, Problems: problems}
	if o.App != nil {
		page.Since, page.UsedAt = o.App.CreatedAt, timeOrZero(o.App.UsedAt)
	} else {
		app, err := s.factors.AppAgain(by, sealed)
		if err != nil {
			return err
		}
		page.Setup = appSetup(app)
	}
	if page.Confirm, err = s.confirmPart(r); err != nil {
		return err
	}
	page.Shell = s.shell(w, r, say(r).AppTitle(), "security")
	return render(w, r, status, views.AuthenticatorApp(page))
}

func appSetup(app factor.App) *views.AppSetup {
	return &views.AppSetup{QR: app.QR, Secret: app.Secret, URL: app.URL, Sealed: app.Sealed}
}

// authenticatorAppRemoveForm asks before the authenticator app is removed.
func (s *Server) authenticatorAppRemoveForm(w http.ResponseWriter, r *http.Request, _ *browser.Session) error {
	return s.renderAppRemove(w, r, http.StatusOK, views.FormProblems{})
}

// authenticatorAppRemove removes the authenticator app.
func (s *Server) authenticatorAppRemove(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	p, c, err := s.decodeConfirmed(w, r, "current_password", "sign_out_others")
	if err != nil {
		return err
	}
	removed, err := s.factors.RemoveApp(r.Context(), by, factor.Act{Confirmation: c, SignOutOthers: p["sign_out_others"] != ""}, c.From)
	if err != nil {
		problems, status, ok := s.refusedAct(w, r, err, c, say(r).RemoveFactorRefusedApp())
		if !ok {
			return err
		}
		return s.renderAppRemove(w, r, status, problems)
	}
	return s.factorRemoved(w, r, removed, catalog.Sentence{Text: say(r).AppRemoved()}, "/security/app")
}

func (s *Server) renderAppRemove(w http.ResponseWriter, r *http.Request, status int, problems views.FormProblems) error {
	o, err := s.factors.Overview(r.Context(), request(r).session)
	if err != nil {
		return err
	}
	if o.App == nil {
		return auth.Refuse(auth.KindNotFound, "Your account no longer has an authenticator app.")
	}
	return s.renderFactorRemove(w, r, status, o, *o.App, problems)
}
