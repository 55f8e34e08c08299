package web

import (
	"net/http"

	"latchkey/auth/browser"
	"latchkey/views"
)

// security shows what protects the account.
func (s *Server) security(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	ways, err := s.addresses.WaysBack(r.Context(), by)
	if err != nil {
		return err
	}
	o, err := s.factors.Overview(r.Context(), by)
	if err != nil {
		return err
	}
	page := views.SecurityPage{
		Now: by.Device.LastSeenAt, PasswordChanged: by.User.PasswordChangedAt, SecondStep: by.User.SecondFactor, AppClosed: o.Closed,
		CodesLeft: o.CodesLeft, Browsers: len(o.Trusted), Mail: s.notify.Enabled(), WaysBack: len(ways),
	}
	for _, f := range o.Passkeys {
		page.Passkeys = append(page.Passkeys, f.Name)
	}
	if o.App != nil {
		page.App, page.AppSince = true, o.App.CreatedAt
	}
	pending, err := s.addresses.Pending(r.Context(), by)
	if err != nil {
		return err
	}
	if pending != nil {
		page.Pending = &views.PendingEmail{Email: pending.Email, Until: pending.Until}
	}
	page.Shell = s.shell(w, r, say(r).SecurityTitle(), "security")
	return render(w, r, http.StatusOK, views.Security(page))
}
