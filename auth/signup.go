package auth

import (
	"context"
	"errors"
	"strings"
	"time"

	"latchkey/models"
)

// Signup creates an account and signs this browser in to it. Refusals: KindSignupClosed, KindInvalidRequest,
// KindEmailTaken (as a field problem), KindRateLimited, KindUnavailable.
func (s *Service) Signup(ctx context.Context, r BrowserLogin) (BrowserKey, error) {
	if !s.SignupOpen {
		return BrowserKey{}, refuse(KindSignupClosed, "New accounts cannot be made here.")
	}
	if err := s.checkNewAccount(r.Email, r.Password); err != nil {
		return BrowserKey{}, err
	}
	leave, err := s.door.enter(r.From)
	if err != nil {
		return BrowserKey{}, err
	}
	defer leave()
	if err := s.door.query(ctx, func() error { return s.countSignup(ctx, r.From) }); err != nil {
		return BrowserKey{}, err
	}
	now := s.now()
	user, err := s.createUser(ctx, r.Email, r.Password, models.RoleUser, now, func(u models.User) models.Event {
		return s.event(models.EventAccountCreated, u.ID, r.From, now)
	})
	if err != nil {
		return BrowserKey{}, err
	}
	n, browser := s.newBrowser(verified{user: user}, r)
	_, err = s.addDevice(ctx, n)
	return browser, err
}

func (s *Service) checkNewAccount(email, password string) error {
	var bad fields
	bad.text("email", strings.TrimSpace(email), maxEmail)
	if len(bad) == 0 {
		bad.refuse("email", problemWithEmail(strings.TrimSpace(email)))
	}
	bad.refuse("password", s.problemWithPassword(email, password))
	return bad.err()
}

func (s *Service) problemWithPassword(email, password string) string {
	if password == "" {
		return "This is required."
	}
	return checkPassword(password, strings.TrimSpace(email), s.PasswordMin)
}

func (s *Service) createUser(ctx context.Context, email, password, role string, now time.Time, event func(models.User) models.Event) (models.User, error) {
	email = strings.TrimSpace(email)
	hash, err := s.hasher.Hash(ctx, password)
	if err != nil {
		return models.User{}, err
	}
	user := models.User{
		ID: models.NewID(now), Email: email, EmailKey: foldEmail(email), PasswordHash: hash, Role: role, CreatedAt: now,
	}
	err = s.store.AddUser(ctx, user, event(user))
	if errors.Is(err, models.ErrDuplicate) {
		return user, &Error{Kind: KindEmailTaken, Message: "There is an account with this address already.",
			Fields: []FieldProblem{{Field: "email", Detail: "There is an account with this address already."}}, Cause: err}
	}
	return user, err
}
