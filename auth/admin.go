package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"latchkey/models"
)

// What operators do on the command line. None of it is reachable over the network.

// operatorEvent begins the event of an operator's act.
func (s *Service) operatorEvent(kind models.EventKind, userID uuid.UUID) models.Event {
	e := s.event(kind, userID, Caller{}, s.now())
	e.Actor = models.ActorOperator
	return e
}

// NewPassword makes a random password of 26 characters (130 bits) that is easy to copy.
func NewPassword() string { return strings.ToLower(rand.Text()) }

// AddUser creates an account with a role. Refusals: KindInvalidRequest, KindEmailTaken.
func (s *Service) AddUser(ctx context.Context, email, password, role string) (models.User, error) {
	if err := s.checkNewAccount(email, password); err != nil {
		return models.User{}, err
	}
	return s.createUser(ctx, email, password, role, s.now(), func(u models.User) models.Event {
		return s.operatorEvent(models.EventAccountCreated, u.ID)
	})
}

// FindUser finds an account by its address, or returns KindNotFound.
func (s *Service) FindUser(ctx context.Context, email string) (models.User, error) {
	key, err := s.emailKey(ctx, email)
	if err != nil {
		return models.User{}, err
	}
	u, err := s.store.UserByEmail(ctx, key)
	if errors.Is(err, models.ErrNotFound) {
		return u, &Error{Kind: KindNotFound, Message: fmt.Sprintf("there is no account %q", email), Cause: err}
	}
	return u, err
}

// SetPassword replaces an account's password and signs out every device of it.
func (s *Service) SetPassword(ctx context.Context, email, password string) (revoked int64, err error) {
	u, err := s.FindUser(ctx, email)
	if err != nil {
		return 0, err
	}
	if problem := s.problemWithPassword(u.Email, password); problem != "" {
		return 0, invalidField("password", problem)
	}
	hash, err := s.hasher.Hash(ctx, password)
	if err != nil {
		return 0, err
	}
	now := s.now()
	l := letter(LetterPasswordChanged, Caller{}, now)
	l.ByOperator = true
	return s.store.ChangePassword(ctx, models.PasswordChange{
		UserID: u.ID, Hash: hash, At: now, By: models.ActorOperator, Event: s.operatorEvent(models.EventPasswordReset, u.ID),
		FreshStart: s.freshStart(u, Caller{}),
		Notice:     s.alarm(u.ID, l, ""),
	})
}

// SetRole makes an account a user's or a member of the support staff's.
func (s *Service) SetRole(ctx context.Context, email, role string) error {
	u, err := s.FindUser(ctx, email)
	if err != nil || u.Role == role {
		return err
	}
	e := s.operatorEvent(models.EventRoleChanged, u.ID)
	e.Detail = role
	return s.store.SetRole(ctx, u.ID, role, e)
}

// Disable closes an account and signs out every device of it in the same transaction.
func (s *Service) Disable(ctx context.Context, email string) (revoked int64, err error) {
	u, err := s.FindUser(ctx, email)
	if err != nil {
		return 0, err
	}
	e := s.operatorEvent(models.EventDisabled, u.ID)
	return s.store.DisableUser(ctx, u.ID, e, s.notice(u.ID, letter(LetterDisabled, Caller{}, e.At)))
}

// Enable opens a disabled account again.
func (s *Service) Enable(ctx context.Context, email string) error {
	u, err := s.FindUser(ctx, email)
	if err != nil {
		return err
	}
	return s.store.EnableUser(ctx, u.ID, s.operatorEvent(models.EventEnabled, u.ID))
}

// SignOutUser signs out every device of one account.
func (s *Service) SignOutUser(ctx context.Context, email string) (revoked int64, err error) {
	u, err := s.FindUser(ctx, email)
	if err != nil {
		return 0, err
	}
	return s.signOutUser(ctx, u)
}

func (s *Service) signOutUser(ctx context.Context, u models.User) (int64, error) {
	e := s.operatorEvent(models.EventDevicesRevoked, u.ID)
	e.Detail = string(models.RevokedByOperator)
	return s.store.RevokeOthers(ctx, u.ID, uuid.Nil, e)
}

// SignOutEverybody signs out every device of every account, account by account.
func (s *Service) SignOutEverybody(ctx context.Context) (revoked int64, err error) {
	err = s.EachUser(ctx, func(u models.User) error {
		n, err := s.signOutUser(ctx, u)
		revoked += n
		return err
	})
	return revoked, err
}

// EachUser calls fn for every account, in order of address.
func (s *Service) EachUser(ctx context.Context, fn func(models.User) error) error {
	for after := ""; ; {
		page, err := s.store.Users(ctx, after, 500)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, u := range page {
			if err := fn(u); err != nil {
				return err
			}
			after = u.EmailKey
		}
	}
}

// AddClient registers a public app under a new client_id.
func (s *Service) AddClient(ctx context.Context, name string) (models.Client, error) {
	name, problem := properName(name, "An app needs a name.")
	if problem != "" {
		return models.Client{}, invalidField("name", problem)
	}
	c := models.Client{ID: strings.ToLower(rand.Text()), Name: name, CreatedAt: s.now()}
	return c, s.store.AddClient(ctx, c)
}

// Clients lists the registered apps.
func (s *Service) Clients(ctx context.Context) ([]models.Client, error) { return s.store.Clients(ctx) }

// RemoveClient forgets an app: it cannot sign in any more, devices signed in with it stay.
func (s *Service) RemoveClient(ctx context.Context, id string) error {
	return s.store.RemoveClient(ctx, id)
}
