package web

import (
	"net/http"

	"latchkey/auth/signin"
	"latchkey/views"
)

// security shows what protects the account.
func (s *Server) security(w http.ResponseWriter, r *http.Request, by *signin.Session) error {
	ways, err := s.addresses.WaysBack(r.Context(), by)
	if err != nil {
		return err
	}
	return render(w, r, http.StatusOK, views.Security(views.SecurityPage{
		Shell: s.shell(w, r, "Security", "security"), Now: by.Device.LastSeenAt, PasswordChanged: by.User.PasswordChangedAt, Mail: s.notify.Enabled(), WaysBack: len(ways),
	}))
}
