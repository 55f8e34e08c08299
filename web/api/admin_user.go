package api

import (
	"encoding/json"
	"net/http"

	"latchkey/auth"
	"latchkey/auth/operator"
	"latchkey/web/wire"
)

// AdminUser shows an account.
func (s *Server) AdminUser(w http.ResponseWriter, r *http.Request, by operator.Backend) error {
	u, err := by.Find(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, newAdminUser(u))
}

// AdminUserChange changes an account. To change the e-mail address takes the scope credentials:write, too.
func (s *Server) AdminUserChange(w http.ResponseWriter, r *http.Request, by operator.Backend) error {
	var body struct {
		ExternalID wire.Maybe[string]          `json:"external_id"`
		Metadata   wire.Maybe[json.RawMessage] `json:"metadata"`
		Email      wire.Maybe[string]          `json:"email"`
		Disabled   wire.Maybe[bool]            `json:"disabled"`
	}
	if err := wire.DecodeStrict(r, &body); err != nil {
		return err
	}
	var bad auth.Fields
	for name, null := range map[string]bool{"email": body.Email.Null, "disabled": body.Disabled.Null} { // a member that is to stay is left out
		if null {
			bad.Refuse(name, "This cannot be null.")
		}
	}
	if err := bad.Err(); err != nil {
		return err
	}
	u, err := by.Change(r.Context(), r.PathValue("id"), operator.BackendChange{
		ExternalID: body.ExternalID.Pointer(), Metadata: body.Metadata.Pointer(), Email: body.Email.Pointer(), Disabled: body.Disabled.Pointer(),
	})
	if err != nil {
		return err
	}
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, newAdminUser(u))
}

// AdminUserDelete deletes an account.
func (s *Server) AdminUserDelete(w http.ResponseWriter, r *http.Request, by operator.Backend) error {
	return done(w, by.Delete(r.Context(), r.PathValue("id")))
}

// done answers an act that has nothing to tell.
func done(w http.ResponseWriter, err error) error {
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}
