package operator

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/account"
	"latchkey/auth/notify"
	"latchkey/auth/ratelimit"
	"latchkey/models"
)

// What operators do on the command line. What a Backend cannot do is not reachable over the network.

// commandLine is the client of acts that no client does.
const commandLine = ""

// event returns the event of an act by the operator, through a client or on the command line.
func (s *Service) event(client string, kind models.EventKind, userID uuid.UUID) models.Event {
	e := auth.NewEvent(kind, userID, auth.Caller{}, s.clock.Now())
	e.Actor, e.ActorClient = models.ActorOperator, client
	if client != commandLine && (kind == models.EventEmailChanged || kind == models.EventDisabled) {
		e.Limits = []models.EventLimit{ratelimit.BackendMailLimit}
	}
	return e
}

// NewPassword makes a random password that is easy to copy: 26 characters (130 bits), or as many times that as the policy's least
// length needs.
func NewPassword(least int) string {
	password := strings.ToLower(rand.Text())
	for len(password) < least {
		password += strings.ToLower(rand.Text())
	}
	return password
}

// AddUser creates an account with a role. It returns KindInvalidRequest or KindEmailTaken.
func (s *Service) AddUser(ctx context.Context, email, password, role string) (models.User, error) {
	return s.addUser(ctx, account.NewAccount{Email: email, Password: password, Role: role})
}

// AddUserGenerated is AddUser with a password that is printed: its owner must choose another at the first sign-in.
func (s *Service) AddUserGenerated(ctx context.Context, email, password, role string) (models.User, error) {
	return s.addUser(ctx, account.NewAccount{Email: email, Password: password, Role: role, Generated: true})
}

func (s *Service) addUser(ctx context.Context, a account.NewAccount) (models.User, error) {
	if err := s.accounts.CheckNewAccount(a.Email, a.Password); err != nil {
		return models.User{}, err
	}
	if err := s.accounts.JudgePassword(ctx, "password", a.Email, a.Password); err != nil {
		return models.User{}, err
	}
	return s.accounts.CreateUser(ctx, a, func(u models.User) models.Event { return s.event(commandLine, models.EventAccountCreated, u.ID) })
}

// FindUser returns the account with an address, or KindNotFound.
func (s *Service) FindUser(ctx context.Context, email string) (models.User, error) {
	key, err := auth.EmailKey(ctx, s.store, email, s.clock.Now())
	if err != nil {
		return models.User{}, err
	}
	u, err := s.store.UserByEmail(ctx, key)
	if errors.Is(err, models.ErrNotFound) {
		return u, &auth.Error{Kind: auth.KindNotFound, Message: fmt.Sprintf("there is no account %q", email), Cause: err}
	}
	return u, err
}

// Shown is what the operator sees of an account.
type Shown struct {
	User    models.User
	Factors []models.Factor
	Devices []models.Device // that are live, the one that was active last first
}

// Show returns an account with its factors and live devices, or KindNotFound.
func (s *Service) Show(ctx context.Context, email string) (shown Shown, err error) {
	if shown.User, err = s.FindUser(ctx, email); err != nil {
		return shown, err
	}
	if shown.Factors, err = s.store.Factors(ctx, shown.User.ID); err != nil {
		return shown, err
	}
	shown.Devices, err = s.store.LiveDevices(ctx, shown.User.ID, s.idle.Live(s.clock.Now()))
	return shown, err
}

// SetPassword replaces an account's password, signs out all its devices, and returns how many. It returns KindNotFound or
// KindInvalidRequest.
func (s *Service) SetPassword(ctx context.Context, email, password string) (revoked int64, err error) {
	return s.setPassword(ctx, email, password, false)
}

// SetPasswordGenerated is SetPassword with one that is printed: its owner must choose another at the next sign-in.
func (s *Service) SetPasswordGenerated(ctx context.Context, email, password string) (revoked int64, err error) {
	return s.setPassword(ctx, email, password, true)
}

func (s *Service) setPassword(ctx context.Context, email, password string, generated bool) (revoked int64, err error) {
	u, err := s.FindUser(ctx, email)
	if err != nil {
		return 0, err
	}
	if problem := s.accounts.ProblemWithPassword(u.Email, password); problem != "" {
		return 0, auth.InvalidField("password", problem)
	}
	if err := s.accounts.JudgePassword(ctx, "password", u.Email, password); err != nil {
		return 0, err
	}
	hash, err := s.hasher.Hash(ctx, password)
	if err != nil {
		return 0, err
	}
	now := s.clock.Now()
	l := notify.NewNotification(notify.KindPasswordChanged, auth.Caller{}, now)
	l.ByOperator = true
	return s.store.ChangePassword(ctx, models.PasswordChange{
		UserID: u.ID, Hash: hash, At: now, By: models.ActorOperator, Generated: generated, Event: s.event(commandLine, models.EventPasswordReset, u.ID),
		FreshStart: s.limits.FreshStart(u, auth.Caller{}),
		Mail:       s.notify.ComposeNotMe(u.ID, l, ""),
	})
}

// SetRole makes an account a user's or a member of the support staff's: models.RoleUser or models.RoleSupport.
func (s *Service) SetRole(ctx context.Context, email, role string) error {
	u, err := s.FindUser(ctx, email)
	if err != nil || u.Role == role {
		return err
	}
	e := s.event(commandLine, models.EventRoleChanged, u.ID)
	e.Detail = role
	return s.store.SetRole(ctx, u.ID, role, e)
}

// Disable disables an account and signs out all its devices, in one transaction. It returns how many.
func (s *Service) Disable(ctx context.Context, email string) (revoked int64, err error) {
	u, err := s.FindUser(ctx, email)
	if err != nil {
		return 0, err
	}
	return s.disable(ctx, commandLine, u)
}

func (s *Service) disable(ctx context.Context, client string, u models.User) (revoked int64, err error) {
	e := s.event(client, models.EventDisabled, u.ID)
	return s.store.DisableUser(ctx, u.ID, e, s.notify.Compose(u.ID, notify.NewNotification(notify.KindDisabled, auth.Caller{}, e.At)))
}

// Enable enables a disabled account.
func (s *Service) Enable(ctx context.Context, email string) error {
	u, err := s.FindUser(ctx, email)
	if err != nil {
		return err
	}
	return s.enable(ctx, commandLine, u)
}

func (s *Service) enable(ctx context.Context, client string, u models.User) error {
	return s.store.EnableUser(ctx, u.ID, s.event(client, models.EventEnabled, u.ID))
}

// SignOutUser signs out all devices of an account and returns how many.
func (s *Service) SignOutUser(ctx context.Context, email string) (revoked int64, err error) {
	u, err := s.FindUser(ctx, email)
	if err != nil {
		return 0, err
	}
	return s.signOutUser(ctx, commandLine, u)
}

func (s *Service) signOutUser(ctx context.Context, client string, u models.User) (int64, error) {
	e := s.event(client, models.EventDevicesRevoked, u.ID)
	e.Detail = string(models.RevokedByOperator)
	return s.store.RevokeOthers(ctx, u.ID, uuid.Nil, e)
}

// Delete deletes an account at once, with its devices and everything else except anonymous events, and mails a farewell. A former address that
// could take it back is no obstacle. It cannot be undone. Delete returns KindNotFound, and KindNotAllowed for support staff.
func (s *Service) Delete(ctx context.Context, email string) error {
	u, err := s.FindUser(ctx, email)
	if err != nil {
		return err
	}
	return s.deletions.DeleteByOperator(ctx, u, s.event(commandLine, models.EventAccountDeleted, u.ID))
}

// SignOutEverybody signs out all devices of all accounts, one account after the other, and returns how many.
func (s *Service) SignOutEverybody(ctx context.Context) (revoked int64, err error) {
	err = s.EachUser(ctx, func(u models.User) error {
		n, err := s.signOutUser(ctx, commandLine, u)
		revoked += n
		return err
	})
	return revoked, err
}

// EachUser calls fn for every account, in the order of addresses.
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
