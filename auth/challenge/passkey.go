package challenge

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/passkey"
	"latchkey/auth/ratelimit"
	"latchkey/models"
)

// HasPasskeys reports whether passkeys work here: they need a base URL with a host name.
func (s *Service) HasPasskeys() bool { return s.passkeys != nil }

// ErrNoPasskeys refuses passkeys where they do not work.
var ErrNoPasskeys = &auth.Error{Kind: auth.KindNotAllowed, Message: "Passkeys don’t work here, because this server has an IP address but no host name. Use your password."}

// checkPasskeyStart checks the answer to a PasskeyStart: a sign-in with a passkey alone, which proves two factors in one gesture.
func (s *Service) checkPasskeyStart(ctx context.Context, purpose Purpose, hash []byte, a Answer) (ok Checked, err error) {
	a.Method = MethodPasskey // no other can answer it
	if err := checkFields(a); err != nil {
		return ok, err
	}
	p, err := s.unseal(purpose, a.Challenge)
	if err != nil {
		return ok, err
	}
	if err := p.Step.belongsTo(a); err != nil {
		return ok, err
	}
	owner, err := ownerOf(p, a.Credential)
	if err != nil {
		return ok, err
	}
	leave, err := s.gate.Admit(a.From)
	if err != nil {
		return ok, err
	}
	defer leave()
	err = s.gate.Query(ctx, func() error {
		ok.User, err = s.store.UserByID(ctx, owner)
		return err
	})
	if errors.Is(err, models.ErrNotFound) {
		return ok, errWrongPasskey(err)
	}
	if err != nil {
		return ok, err
	}
	factors, err := s.Factors(ctx, ok.User.ID)
	if err != nil {
		return ok, err
	}
	ok.Kept, ok.Method = p.Step.Kept, models.ByPasskey
	ok.UsedUp = models.ChallengeUse{Hash: hash, Purpose: string(purpose), Answer: answerHash(a), ExpiresAt: p.Until, Sealed: true}
	if ok.Factor, ok.Use, err = s.checkPasskey(ctx, purpose, ok.User, factors, p.Session, a.Credential); err != nil {
		return ok, err
	}
	if ok.User.DisabledAt != nil {
		return ok, auth.Refuse(auth.KindAccountDisabled, "This account is disabled. Ask your administrator for help.")
	}
	facts, err := s.factsOf(ctx, ok.User, p.Step.ClientID, a.From)
	ok.Allowed = facts.Allowed
	return ok, err
}

// ownerOf returns whose passkey must have answered. An answer to known passkeys need not say whose it is.
func ownerOf(p passkeyStart, credential []byte) (uuid.UUID, error) {
	if len(p.User) > 0 {
		return uuid.FromBytes(p.User)
	}
	handle, _, err := passkey.UserHandle(credential)
	if err != nil {
		return uuid.Nil, errWrongPasskey(err)
	}
	return handle, nil
}

func errWrongPasskey(cause error) error {
	return &auth.Error{Kind: auth.KindInvalidCode, Message: "This passkey wasn’t accepted. It may have been removed, or it belongs to another account.", Cause: cause, OfPasskey: true}
}

// ceremonies returns the ceremonies that accept answers to challenges of a purpose. On the portal, answers come from its own origin only;
// in apps, also from the registered Android apps. (On iOS an app answers with the portal's origin.)
func (s *Service) ceremonies(ctx context.Context, purpose Purpose) (*passkey.Ceremonies, error) {
	if purpose == BrowserSignIn || purpose == BrowserAct {
		return s.passkeys, nil
	}
	apps, err := s.clients.Apps(ctx)
	if err != nil {
		return nil, err
	}
	var origins []string
	for _, app := range apps.Android {
		for _, certificate := range app.Certificates {
			origins = append(origins, passkey.AndroidOrigin(certificate))
		}
	}
	return s.passkeys.WithApps(origins)
}

// checkPasskey checks the assertion of one of the account's passkeys.
func (s *Service) checkPasskey(ctx context.Context, purpose Purpose, user models.User, factors []models.Factor, session, credential []byte) (f models.Factor, use models.FactorUse, err error) {
	if !s.HasPasskeys() {
		return f, use, errWrongPasskey(ErrNoPasskeys)
	}
	ceremonies, err := s.ceremonies(ctx, purpose)
	if err != nil {
		return f, use, err
	}
	now := s.clock.Now()
	used, err := ceremonies.FinishRequest(passkey.User{ID: user.ID, Name: user.Email}, session, credential, Passkeys(factors), now)
	if err != nil {
		return f, use, errWrongPasskey(err)
	}
	at := slices.IndexFunc(factors, func(f models.Factor) bool {
		return f.Kind == models.FactorPasskey && bytes.Equal(f.Credential, used.CredentialID)
	})
	if at < 0 {
		return f, use, errWrongPasskey(nil)
	}
	f = factors[at]
	if used.CloneWarning {
		s.log.WarnContext(ctx, "the counter of a passkey went back: it may have been copied", "user", user.ID, "passkey", f.ID)
	}
	return f, models.FactorUse{ID: f.ID, Kind: f.Kind, SignCount: used.SignCount, BackedUp: used.BackedUp, At: now}, nil
}

// CheckPasskey checks the passkey with which a signed-in person confirms an act on the portal. It returns KindInvalidChallenge,
// KindInvalidCode or KindUnavailable.
func (s *Service) CheckPasskey(ctx context.Context, user models.User, challenge string, credential []byte) (ok Checked, err error) {
	ok, err = s.checkOwnPasskey(ctx, user, challenge, credential)
	s.count(models.ByPasskey, err)
	return ok, auth.About(user.ID, err)
}

func (s *Service) checkOwnPasskey(ctx context.Context, user models.User, challenge string, credential []byte) (ok Checked, err error) {
	p, err := s.unseal(BrowserAct, challenge)
	if err != nil {
		return ok, err
	}
	if !bytes.Equal(p.User, user.ID[:]) {
		return ok, errInvalid
	}
	hash, _, err := hashOf(challenge)
	if err != nil {
		return ok, err
	}
	factors, err := s.Factors(ctx, user.ID)
	if err != nil {
		return ok, err
	}
	ok = Checked{User: user, Method: models.ByPasskey, UsedUp: models.ChallengeUse{Hash: hash, Purpose: string(BrowserAct), ExpiresAt: p.Until, Sealed: true}}
	ok.Factor, ok.Use, err = s.checkPasskey(ctx, BrowserAct, user, factors, p.Session, credential)
	return ok, err
}

// IsPasskeyOf reports whether the answer of a passkey names this account. The answer need not be checked yet.
func IsPasskeyOf(credential []byte, user uuid.UUID) bool {
	handle, _, err := passkey.UserHandle(credential)
	return err == nil && handle == user
}

// factsOf reads how the account knows the caller, and whether an app may sign in.
func (s *Service) factsOf(ctx context.Context, user models.User, clientID string, from auth.Caller) (facts models.SignInFacts, err error) {
	err = s.gate.Query(ctx, func() error {
		facts, err = s.store.SignInFacts(ctx, models.SignInQuestion{
			EmailKey: user.EmailKey, ClientID: clientID, At: s.clock.Now(), Browser: s.limits.BrowserOrigin(from), Network: s.limits.NetworkOrigin(from),
			KnownSince: s.clock.Now().Add(-ratelimit.KnownFor), JKT: from.JKT,
		})
		return err
	})
	return facts, err
}
