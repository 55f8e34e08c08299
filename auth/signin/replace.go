package signin

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/challenge"
	"latchkey/auth/dpop"
	"latchkey/auth/token"
	"latchkey/models"
)

// offerReplacement stores a sign-in that was refused because the account has too many devices. It returns a challenge.FullError
// that lets the new device take the place of another one, or cause if there is no device to replace.
func (s *Service) offerReplacement(ctx context.Context, n models.NewDevice, user models.User, kept challenge.Kept, from auth.Caller, cause error) error {
	return auth.About(user.ID, s.challenges.OfferReplacement(ctx, challenge.Refused{
		User: user, Kept: kept, Method: n.Device.SignedInBy, Factor: n.Factor, First: n.Challenge, Live: n.Live, From: from, Spend: n.Spend, Cause: cause,
	}))
}

// Replacement continues a sign-in that was refused with a challenge.FullError.
type Replacement struct {
	Challenge string
	Replace   string      // the id of the device to sign out
	Proof     token.Proof // of the key that the first request proved
	From      auth.Caller
}

// Replace signs out a device of the person and signs in the app, in one transaction, under the name that the first request asked
// for. It returns KindInvalidRequest if the account never had such a device of that app, KindInvalidChallenge, KindInvalidProof,
// and the errors of Login that do not concern the password. If the device has already ended, the app signs in if there is room;
// otherwise Replace returns a challenge.FullError with the same challenge.
func (s *Service) Replace(ctx context.Context, r Replacement) (token.Answer, error) {
	method := models.ByPassword
	answer, err := s.replace(ctx, r, &method)
	if err != nil {
		s.tokens.CountFailedSignIn(models.KindApp, method, err)
	}
	return answer, err
}

func (s *Service) replace(ctx context.Context, r Replacement, method *models.SignInMethod) (token.Answer, error) {
	leave, err := uuid.Parse(r.Replace)
	if err != nil || len(r.Replace) != len(leave.String()) {
		return token.Answer{}, auth.InvalidField("replace", "This is not the id of a device.")
	}
	jkt, proof, err := s.tokens.CheckProof(r.Proof, "", dpop.Request{})
	if err != nil {
		return token.Answer{}, err
	}
	if _, err := s.keys.Current(ctx); err != nil {
		return token.Answer{}, err // before anything is written: the tokens could not be signed
	}
	r.From.JKT = jkt
	ok, err := s.challenges.CheckReplacement(ctx, r.Challenge, leave, r.From)
	if err != nil {
		return token.Answer{}, err
	}
	*method = ok.Method
	if err := mayGoOn(ok.Checked, proof); err != nil {
		return token.Answer{}, err
	}
	n, secret := s.newApp(token.Verified{User: ok.User, Rehashed: ok.Kept.Rehashed}, r.From, ok.Kept.ClientID, ok.Kept.Device, ok.Kept.Installation)
	n.Device.SignedInBy, n.Device.ProvedBy, n.Device.ProvedAt = ok.Method, ok.Method, &ok.ProvedAt
	n.Challenge, n.First, n.Room.Leave = &ok.UsedUp, ok.First, &leave
	if ok.HasFactor {
		n.Factor = &ok.Use
	}
	if ok.Method == models.ByPasskey {
		n.Verified, n.Rehashed = "", "" // no password was checked
	}
	d, err := s.tokens.AddDevice(ctx, n)
	switch {
	case errors.Is(err, models.ErrTooManyDevices):
		err = s.challenges.StillFull(ctx, ok, n.Live, err)
	case errors.Is(err, models.ErrNotFound):
		err = auth.InvalidField("replace", "This account has no such device of this app.")
	case errors.Is(err, models.ErrUsed), errors.Is(err, models.ErrChanged): // another request was faster, or the account changed
		err = challenge.Invalid(err)
	}
	if err != nil {
		return token.Answer{}, auth.About(ok.User.ID, err)
	}
	return s.tokens.Issue(ctx, d, secret, jkt)
}
