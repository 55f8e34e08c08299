package web

import (
	"net/http"

	"latchkey/auth/signin"
	"latchkey/views"
)

// securityForm offers a change of password and of the address.
func (s *Server) securityForm(w http.ResponseWriter, r *http.Request, _ *signin.Session) error {
	return s.renderSecurity(w, r, http.StatusOK, views.SecurityPage{})
}

func (s *Server) renderSecurity(w http.ResponseWriter, r *http.Request, status int, page views.SecurityPage) error {
	page.Shell, page.PasswordMin, page.Mail = s.shell(w, r, "Security", "security"), s.accounts.Config().PasswordMin, s.notify.Enabled()
	if err := s.showWaysBack(r, &page); err != nil {
		return err
	}
	return render(w, r, status, views.Security(page))
}
