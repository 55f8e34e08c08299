package api

import (
	"net/http"
	"time"

	"latchkey/auth/notify"
	"latchkey/auth/token"
	"latchkey/web/wire"
)

// AccountEmail mails a link to the address that the person wants. The answer does not tell whether an account has it.
func (s *Server) AccountEmail(w http.ResponseWriter, r *http.Request, claims *token.Claims) error {
	act, p, err := s.appAct(r, claims, "email")
	if err != nil {
		return err
	}
	return mailed(w, notify.EmailLife, s.addresses.AskByApp(r.Context(), act, p["email"]))
}

// mailed answers that a link goes out, or would if there were an account, and how long it is good.
func mailed(w http.ResponseWriter, life time.Duration, err error) error {
	if err != nil {
		return err
	}
	return wire.WriteJSON(w, http.StatusAccepted, wire.JSONType, map[string]int64{"expires_in": int64(life / time.Second)})
}
