package web

import (
	"net/http"
	"strings"
	"time"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/factor"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/catalog"
	"latchkey/web/wire"
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
		problems, status, ok := s.refusedAct(w, r, err, c, say(r).PasskeysRefused())
		if !ok {
			return err
		}
		if p["guided"] != "" {
			return s.renderSetup(w, r, status, views.SetupPage{Ticket: p["ticket"], Next: localPath(p["next"]), Enrol: printable(p["enrol_code"]), Problems: problems})
		}
		return s.renderPasskeys(w, r, status, views.PasskeysPage{Name: printable(p["name"]), Problems: problems})
	}
	return s.factorAdded(w, r, added, say(r).PasskeysAdded(added.Name), p)
}

// factorAdded says what was added, and leads on to the recovery codes of a first factor.
func (s *Server) factorAdded(w http.ResponseWriter, r *http.Request, added factor.Added, text catalog.Sentence, p wire.Params) error {
	message := notice(views.ToneSuccess, text)
	if added.First {
		message.Detail = say(r).FactorAddedFirst()
	}
	if added.Revoked > 0 {
		message.Detail = strings.TrimSpace(say(r).TextTwo(message.Detail, say(r).FactorSignedOut(int(added.Revoked))))
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
		problems, status, ok := s.refusedAct(w, r, err, c, say(r).RenamePasskeyRefused())
		if !ok {
			return err
		}
		return s.renderPasskeyRename(w, r, status, p, problems)
	}
	s.cookies.flash(w, r, views.ToneSuccess, say(r).RenamePasskeyDone())
	return redirect(w, r, "/security/passkeys")
}

// renderPasskeyRename shows the form with the passkey's name, or with what was typed into it.
func (s *Server) renderPasskeyRename(w http.ResponseWriter, r *http.Request, status int, typed wire.Params, problems views.FormProblems) error {
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
	page.Shell = s.shell(w, r, say(r).RenamePasskeyTitle(), "security")
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
	page.Shell = s.shell(w, r, say(r).PasskeysTitle(), "security")
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
		problems, status, ok := s.refusedAct(w, r, err, c, say(r).RemoveFactorRefusedPasskey())
		if !ok {
			return err
		}
		return s.renderPasskeyRemove(w, r, status, problems)
	}
	return s.factorRemoved(w, r, removed, say(r).PasskeysRemoved(removed.Name), "/security/passkeys")
}

// factorRemoved says what was removed.
func (s *Server) factorRemoved(w http.ResponseWriter, r *http.Request, removed factor.Added, text catalog.Sentence, next string) error {
	message := notice(views.ToneSuccess, text)
	if removed.Last {
		message.Detail = say(r).FactorRemovedLast()
	}
	if removed.Revoked > 0 {
		message.Detail = strings.TrimSpace(say(r).TextTwo(message.Detail, say(r).FactorSignedOut(int(removed.Revoked))))
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
	title := say(r).RemoveFactorTitlePasskey()
	if page.App {
		title = say(r).RemoveFactorTitleApp()
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
