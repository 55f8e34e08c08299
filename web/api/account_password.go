package api

import (
	"net/http"

	"latchkey/auth/confirm"
	"latchkey/auth/token"
	"latchkey/web/wire"
)

// AccountPassword changes the password, signs out every device but the app's own, and says how many.
func (s *Server) AccountPassword(w http.ResponseWriter, r *http.Request, claims *token.Claims) error {
	act, p, err := s.appAct(r, claims, "new_password")
	if err != nil {
		return err
	}
	n, err := s.accounts.ChangePasswordByApp(r.Context(), act, p["new_password"])
	return revoked(w, n, err)
}

// appAct reads an act on the account: its confirmation, and the other members that it takes. A body that is left out confirms nothing.
func (s *Server) appAct(r *http.Request, claims *token.Claims, wanted ...string) (confirm.AppAct, wire.Params, error) {
	p, err := wire.DecodeOptional(r, []string{wire.JSONType}, append(wanted, "confirmation")...)
	if err != nil {
		return confirm.AppAct{}, nil, err
	}
	from, err := s.caller(r)
	return confirm.AppAct{Claims: claims, Confirmation: p["confirmation"], From: from}, p, err
}

// revoked answers with how many devices an act signed out.
func revoked(w http.ResponseWriter, n int64, err error) error {
	if err != nil {
		return err
	}
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, map[string]int64{"revoked": n})
}
