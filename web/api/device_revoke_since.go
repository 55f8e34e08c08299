package api

import (
	"net/http"

	"latchkey/auth"
	"latchkey/auth/device"
	"latchkey/auth/token"
	"latchkey/web/wire"
)

// sinceDone is what signing out a device and everything since has ended.
type sinceDone struct {
	Revoked       int64 `json:"revoked"`
	Trusted       int64 `json:"trusted_browsers"`
	Passkeys      int   `json:"passkeys"`
	App           bool  `json:"authenticator_app"`
	RecoveryCodes bool  `json:"recovery_codes"`
}

// DeviceRevokeSince signs out a device that the owner does not recognise, and everything that was signed in or added since.
func (s *Server) DeviceRevokeSince(w http.ResponseWriter, r *http.Request, claims *token.Claims) error {
	act, p, err := s.appAct(r, claims, "factors")
	if err != nil {
		return err
	}
	keep := p["factors"] == "keep"
	if _, said := p["factors"]; said && !keep {
		return auth.InvalidField("factors", "Only keep is known. Leave it out to remove the factors that were added since.")
	}
	done, err := s.devices.RevokeSinceByToken(r.Context(), device.SinceAct{AppAct: act, ID: r.PathValue("id"), KeepFactors: keep})
	if err != nil {
		return err
	}
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, sinceDone{
		done.Devices, done.Trusted, done.Factors.Passkeys, done.Factors.App, done.Factors.Codes,
	})
}
