package api

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"latchkey/auth"
	"latchkey/auth/client"
	"latchkey/auth/signin"
	"latchkey/web/wire"
)

// Login signs a person in on a device.
func (s *Server) Login(w http.ResponseWriter, r *http.Request) error {
	p, err := wire.Decode(r, []string{wire.JSONType}, "email", "password", "device_name", "client_id", "client_secret", "installation_id", "old_refresh_token")
	if err != nil {
		return err
	}
	from, err := s.caller(r)
	if err != nil {
		return err
	}
	if err := s.checkApp(r.Context(), p, from); err != nil {
		return err
	}
	answer, err := s.signIn.Login(r.Context(), signin.LoginRequest{
		Email: p["email"], Password: p["password"], DeviceName: p["device_name"], ClientID: p["client_id"], From: from,
		Proof: s.proof(w, r), Installation: installationOf(p),
	})
	if err != nil {
		return err
	}
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, answer)
}

var errUnprovenApp = auth.Refuse(auth.KindInvalidClient, "This app must authenticate: send its secret as client_secret.")

// checkApp asks an app that is registered as a confidential client for its secret (RFC 6749 §3.2.1), so that no one makes devices in its
// name. The secret goes in the body: an Authorization header means nothing here, and some proxies add one.
func (s *Server) checkApp(ctx context.Context, p wire.Params, from auth.Caller) error {
	_, err := s.clients.Authenticate(ctx, client.Credentials{ID: cmp.Or(p["client_id"], signin.DefaultClientID), Secret: p["client_secret"]}, from)
	if errors.Is(err, client.ErrUnproven) {
		return errUnprovenApp
	}
	return err
}
