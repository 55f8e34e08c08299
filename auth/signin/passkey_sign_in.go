package signin

import (
	"context"
	"errors"

	"latchkey/auth"
	"latchkey/auth/challenge"
	"latchkey/auth/dpop"
	"latchkey/auth/token"
	"latchkey/models"
)

// StartPasskey begins a sign-in with a passkey alone on the portal. It makes no query. If passkeys do not work on this server, it
// returns the zero challenge.PasskeyStart and no error.
func (s *Service) StartPasskey() (challenge.PasskeyStart, error) {
	start, err := s.challenges.Start(challenge.Ceremony{Purpose: challenge.BrowserSignIn})
	if errors.Is(err, challenge.ErrNoPasskeys) {
		return challenge.PasskeyStart{}, nil
	}
	return start, err
}

// AppStart is a request to begin a sign-in with a passkey alone on an app.
type AppStart struct {
	DeviceName, ClientID string
	Proof                token.Proof
	Installation         auth.SentInstallation
	From                 auth.Caller
}

// StartPasskeyApp begins a sign-in with a passkey alone on an app. It returns KindInvalidRequest, KindUnauthorizedClient,
// KindInvalidProof, KindUseNonce, KindUnavailable or challenge.ErrNoPasskeys.
func (s *Service) StartPasskeyApp(ctx context.Context, a AppStart) (challenge.PasskeyStart, error) {
	if !s.challenges.HasPasskeys() {
		return challenge.PasskeyStart{}, challenge.ErrNoPasskeys
	}
	var bad auth.Fields
	name, problem := auth.DeviceName(a.DeviceName)
	bad.Refuse("device_name", problem)
	r := LoginRequest{DeviceName: name, ClientID: a.ClientID, Proof: a.Proof, From: a.From}
	named := r.ClientID != ""
	if !named {
		r.ClientID = DefaultClientID
	}
	bad.Text("client_id", r.ClientID, auth.MaxClientID)
	installed := s.tokens.ReadInstallation(a.Installation, &bad)
	if err := bad.Err(); err != nil {
		return challenge.PasskeyStart{}, err
	}
	// The proof is not consumed. Anyone may call this, but a challenge got with a copied proof can only be answered with the key
	// of the proof.
	jkt, _, proofErr := s.tokens.CheckProof(a.Proof, "", dpop.Request{})
	if proofErr != nil {
		jkt = ""
	}
	r.From.JKT = jkt
	allowed := false
	err := s.gate.Query(ctx, func() error {
		facts, err := s.store.SignInFacts(ctx, models.SignInQuestion{ClientID: r.ClientID, At: s.clock.Now()})
		allowed = facts.Allowed
		return err
	})
	if err != nil {
		return challenge.PasskeyStart{}, err
	}
	if err := s.checkApp(ctx, r, allowed, named, proofErr); err != nil {
		return challenge.PasskeyStart{}, err
	}
	return s.challenges.Start(challenge.Ceremony{Purpose: challenge.AppSignIn, Kept: challenge.Kept{Device: name, ClientID: r.ClientID, JKT: jkt, Installation: installed}})
}
