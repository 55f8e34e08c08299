package web

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/factor"
	"latchkey/models"
	"latchkey/views"
)

// passkeys lists the passkeys, and offers to add one.
func (s *Server) passkeys(w http.ResponseWriter, r *http.Request, _ *browser.Session) error {
	return s.renderPasskeys(w, r, http.StatusOK, views.PasskeysPage{})
}

// passkeyAdd adds a passkey that the browser has made.
func (s *Server) passkeyAdd(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	p, c, err := s.decodeConfirmed(w, r, "current_password", "name", "new_passkey", "new_challenge", "sign_out_others", "guided", "next", "enrol_code")
	if err != nil {
		return err
	}
	added, err := s.factors.AddPasskey(r.Context(), by, factor.NewPasskey{
		Act: factor.Act{Confirmation: c, SignOutOthers: p["sign_out_others"] != "", EnrolCode: p["enrol_code"]}, Name: p["name"], Credential: []byte(p["new_passkey"]),
		Challenge: p["new_challenge"], From: c.From,
	})
	if err != nil {
		problems, status, ok := s.refusedAct(w, r, err, c, "Your passkey was not added.")
		if !ok {
			return err
		}
		if p["guided"] != "" {
			return s.renderSetup(w, r, status, views.SetupPage{Ticket: p["ticket"], Next: localPath(p["next"]), Enrol: printable(p["enrol_code"]), Problems: problems})
		}
		return s.renderPasskeys(w, r, status, views.PasskeysPage{Name: printable(p["name"]), Problems: problems})
	}
	return s.factorAdded(w, r, added, p)
}

// factorAdded says what was added, and leads on to the recovery codes of a first factor.
func (s *Server) factorAdded(w http.ResponseWriter, r *http.Request, added factor.Added, p params) error {
	message := views.Flash{Tone: views.ToneSuccess, Text: "“%s” was added.", Names: []string{added.Name}}
	if added.First {
		message.Detail = "From now on, signing in with your password takes a second step."
	}
	if added.Revoked > 0 {
		message.Detail = strings.TrimSpace(message.Detail + " " + devicesSignedOut(added.Revoked))
	}
	s.cookies.leave(w, r, message)
	if added.First {
		by := request(r).session
		return s.toCodes(w, r, by, localPath(p["next"]))
	}
	return redirect(w, r, "/security")
}

// passkeyRenameForm asks for another name of a passkey.
func (s *Server) passkeyRenameForm(w http.ResponseWriter, r *http.Request, _ *browser.Session) error {
	return s.renderPasskeyRename(w, r, http.StatusOK, nil, views.FormProblems{})
}

// passkeyRename gives a passkey another name.
func (s *Server) passkeyRename(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	p, c, err := s.decodeConfirmed(w, r, "current_password", "name")
	if err != nil {
		return err
	}
	if err := s.factors.RenamePasskey(r.Context(), by, r.PathValue("id"), p["name"], c, c.From); err != nil {
		problems, status, ok := s.refusedAct(w, r, err, c, "The passkey was not renamed.")
		if !ok {
			return err
		}
		return s.renderPasskeyRename(w, r, status, p, problems)
	}
	s.cookies.flash(w, r, views.ToneSuccess, "The passkey was renamed.")
	return redirect(w, r, "/security/passkeys")
}

// renderPasskeyRename shows the form with the passkey's name, or with what was typed into it.
func (s *Server) renderPasskeyRename(w http.ResponseWriter, r *http.Request, status int, typed params, problems views.FormProblems) error {
	f, _, err := s.passkeyOf(r)
	if err != nil {
		return err
	}
	page := views.PasskeyRenamePage{Action: r.URL.Path, Name: f.Name, Typed: f.Name, Problems: problems}
	if typed != nil {
		page.Typed = printable(typed["name"])
	}
	if page.Confirm, err = s.confirmPart(r); err != nil {
		return err
	}
	page.Shell = s.shell(w, r, "Rename a passkey", "security")
	return render(w, r, status, views.PasskeyRename(page))
}

func (s *Server) renderPasskeys(w http.ResponseWriter, r *http.Request, status int, page views.PasskeysPage) error {
	by := request(r).session
	o, err := s.factors.Overview(r.Context(), by)
	if err != nil {
		return err
	}
	page.Now, page.Most = by.Device.LastSeenAt, factor.MaxPasskeys
	for _, f := range o.Passkeys {
		page.Passkeys = append(page.Passkeys, views.Passkey{ID: f.ID.String(), Name: f.Name, Synced: f.Synced, AddedAt: f.CreatedAt, UsedAt: timeOrZero(f.UsedAt)})
	}
	if len(o.Passkeys) < factor.MaxPasskeys && s.factors.HasPasskeys() {
		if page.Add, err = s.startPasskey(r); err != nil {
			return err
		}
	}
	if page.Confirm, err = s.confirmPart(r); err != nil {
		return err
	}
	page.Shell = s.shell(w, r, "Passkeys", "security")
	return render(w, r, status, views.Passkeys(page))
}

// startPasskey begins the making of a passkey.
func (s *Server) startPasskey(r *http.Request) (*views.PasskeyStart, error) {
	start, err := s.factors.StartPasskey(r.Context(), request(r).session)
	if err != nil {
		return nil, err
	}
	return &views.PasskeyStart{Challenge: start.Challenge, Options: string(start.PublicKey)}, nil
}

// passkeyRemoveForm asks before a passkey is removed.
func (s *Server) passkeyRemoveForm(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	return s.renderPasskeyRemove(w, r, http.StatusOK, views.FormProblems{})
}

// passkeyRemove removes a passkey.
func (s *Server) passkeyRemove(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	p, c, err := s.decodeConfirmed(w, r, "current_password", "sign_out_others")
	if err != nil {
		return err
	}
	removed, err := s.factors.RemovePasskey(r.Context(), by, r.PathValue("id"), factor.Act{Confirmation: c, SignOutOthers: p["sign_out_others"] != ""}, c.From)
	if err != nil {
		problems, status, ok := s.refusedAct(w, r, err, c, "The passkey was not removed.")
		if !ok {
			return err
		}
		return s.renderPasskeyRemove(w, r, status, problems)
	}
	return s.factorRemoved(w, r, removed, "/security/passkeys")
}

// factorRemoved says what was removed.
func (s *Server) factorRemoved(w http.ResponseWriter, r *http.Request, removed factor.Added, next string) error {
	message := views.Flash{Tone: views.ToneSuccess, Text: "“%s” was removed.", Names: []string{removed.Name}}
	if removed.Last {
		message.Detail = "Two-step sign-in is off: your password alone is enough to sign in."
	}
	if removed.Revoked > 0 {
		message.Detail = strings.TrimSpace(message.Detail + " " + devicesSignedOut(removed.Revoked))
	}
	s.cookies.leave(w, r, message)
	return redirect(w, r, next)
}

func (s *Server) renderPasskeyRemove(w http.ResponseWriter, r *http.Request, status int, problems views.FormProblems) error {
	f, o, err := s.passkeyOf(r)
	if err != nil {
		return err
	}
	return s.renderFactorRemove(w, r, status, o, f, problems)
}

// passkeyOf finds the passkey that a path names.
func (s *Server) passkeyOf(r *http.Request) (models.Factor, factor.Overview, error) {
	o, err := s.factors.Overview(r.Context(), request(r).session)
	if err != nil {
		return models.Factor{}, o, err
	}
	f, ok := o.Passkey(r.PathValue("id"))
	if !ok {
		return f, o, auth.Refuse(auth.KindNotFound, "Your account no longer has this passkey.")
	}
	return f, o, nil
}

func (s *Server) renderFactorRemove(w http.ResponseWriter, r *http.Request, status int, o factor.Overview, f models.Factor, problems views.FormProblems) error {
	page := views.FactorRemovePage{
		Action: r.URL.Path, App: f.Kind == models.FactorTOTP, Name: f.Name, Last: o.Last(),
		Refused: o.Last() && !s.factors.MayRemoveLast(request(r).session), Problems: problems,
	}
	var err error
	if page.Confirm, err = s.confirmPart(r); err != nil {
		return err
	}
	title := "Remove a passkey"
	if page.App {
		title = "Remove the authenticator app"
	}
	page.Shell = s.shell(w, r, title, "security")
	return render(w, r, status, views.FactorRemove(page))
}

func timeOrZero(at *time.Time) time.Time {
	if at == nil {
		return time.Time{}
	}
	return *at
}

// devicesSignedOut says how many devices were signed out together with an act.
func devicesSignedOut(n int64) string {
	if n == 1 {
		return "1 other device was signed out."
	}
	return fmt.Sprintf("%d other devices were signed out.", n)
}
