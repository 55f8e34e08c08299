package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/notify"
	"latchkey/auth/password"
	"latchkey/auth/signin"
	"latchkey/auth/token"
	"latchkey/models"
)

// SignupRequest is a wish for an account.
type SignupRequest struct {
	Email, Password string
	Next            string // where to go on to once it is confirmed; kept as it is
	From            auth.Caller
}

// pending is an account that waits for its confirmation, sealed beside the hash of the link. Until then there is
// nothing else of it: the address stays free for whoever can read its mail.
type pending struct{ Email, Hash, Next string }

// Signup mails a link that confirms the address. Whether it has an account already, neither the answer tells nor what
// it costs: its owner then gets a mail that says so. Refusals: KindSignupClosed, KindInvalidRequest, KindRateLimited,
// KindUnavailable.
func (s *Service) Signup(ctx context.Context, r SignupRequest) error {
	if !s.config.SignupOpen {
		return errSignupClosed
	}
	r.Email = auth.TrimEmail(r.Email)
	if err := s.CheckNewAccount(r.Email, r.Password); err != nil {
		return err
	}
	if !s.notify.Enabled() {
		return errSignupClosed
	}
	leave, err := s.gate.Admit(r.From)
	if err != nil {
		return err
	}
	defer leave()
	err = s.gate.Query(ctx, func() error {
		if err := s.roomForSignup(ctx); err != nil {
			return err
		}
		return s.countSignup(ctx, r)
	})
	if err != nil {
		return err
	}
	hash, err := s.hasher.Hash(ctx, r.Password)
	if err != nil {
		return err
	}
	err = s.gate.Query(ctx, func() error {
		key, err := s.signIn.EmailKey(ctx, r.Email)
		if err != nil {
			return err
		}
		user, err := s.store.UserByEmail(ctx, key)
		if err != nil && !errors.Is(err, models.ErrNotFound) {
			return err
		}
		held, err := s.store.AddressHeld(ctx, key, uuid.Nil, s.clock.Now())
		if err != nil {
			return err
		}
		n, err := s.signupNotice(r, hash, user.ID, held)
		if err != nil {
			return err
		}
		if err = s.store.AddNotice(ctx, n); errors.Is(err, models.ErrNotFound) {
			return nil // deleted meanwhile: what the mail would say is not true any more
		}
		return err
	})
	if err == nil {
		s.notify.Wake()
	}
	return err
}

// How many mails that strangers asked for may wait before sign-ups are refused: MaxWaitingMails that no connection to the mail server
// was free for yet, and MaxPostponedMails in all. A server takes no mail to a domain that does not answer, for hours, and anybody
// can have a few hundred written to one. A request for a new password is never refused for it. Those under way at the same moment
// may come on top.
const (
	MaxWaitingMails   = 200
	MaxPostponedMails = 2000
)

// roomForSignup refuses a sign-up while the mail server does not keep up: before it costs a hash, and whatever the address.
func (s *Service) roomForSignup(ctx context.Context) error {
	all, untried, err := s.store.WaitingMails(ctx, notify.AskedKinds, MaxPostponedMails)
	if err != nil || untried < MaxWaitingMails && all < MaxPostponedMails {
		return err
	}
	return &auth.Error{Kind: auth.KindUnavailable, Message: "Too many people ask for an account at this moment. Please try again in a few minutes.",
		RetryAfter: 5 * time.Minute, Cause: auth.ErrCrowded}
}

var errSignupClosed = &auth.Error{Kind: auth.KindSignupClosed, Message: "New accounts cannot be made here."}

// signupNotice is the mail with the link. To an address that has an account, or is held for one, it goes without: nobody ever sees
// that link's secret. The mail to an account's address is that account's, so that it does not outlive it.
func (s *Service) signupNotice(r SignupRequest, hash string, known uuid.UUID, held bool) (models.Notice, error) {
	now := s.clock.Now()
	l := notify.NewNotification(notify.KindSignup, r.From, now)
	l.UserAgent = "" // nothing that a stranger wrote goes to an address that may be another stranger's
	link, secret := notify.NewLink(known, notify.LinkSignup, models.NewID(now).String(), now, notify.SignupLife)
	text, err := json.Marshal(pending{Email: r.Email, Hash: hash, Next: r.Next})
	if err != nil {
		return models.Notice{}, fmt.Errorf("keep sign-up: %w", err)
	}
	link.Box = s.sealer.Seal(signupRow(link.Hash), text)
	switch l.Link, l.Until = secret, link.ExpiresAt; {
	case known != uuid.Nil:
		l.Kind, l.Link = notify.KindSignupKnown, ""
	case held:
		l.Kind, l.Link = notify.KindEmailHeld, ""
	}
	n := s.notify.Compose(known, l, link)
	n.Mail.Recipient, n.Mail.Priority = r.Email, models.MailSignup
	return n, nil
}

func signupRow(hash []byte) []byte { return append([]byte("signup\x00"), hash...) }

// FindSignup reads a link without using it, and tells the address that it confirms and where to go on to afterwards.
// KindDeadLink when it cannot be used; with one whose address has its account by now comes KindUsedLink.
func (s *Service) FindSignup(ctx context.Context, secret string) (email, next string, err error) {
	_, p, err := s.findSignup(ctx, secret)
	return p.Email, p.Next, err
}

func (s *Service) findSignup(ctx context.Context, secret string) (link models.OneTime, p pending, err error) {
	if !s.config.SignupOpen {
		return link, p, notify.ErrDeadLink
	}
	hash, err := notify.LinkHash(secret)
	if err != nil {
		return link, p, err
	}
	if link, err = s.store.FindOneTime(ctx, notify.LinkSignup, hash, s.clock.Now()); err != nil {
		return link, p, notify.DeadLink(err)
	}
	text, _, err := s.sealer.Open(signupRow(link.Hash), link.Box)
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil {
		return link, p, &auth.Error{Kind: notify.ErrDeadLink.Kind, Message: notify.ErrDeadLink.Message, Cause: err}
	}
	key, err := s.signIn.EmailKey(ctx, p.Email)
	if err == nil {
		_, err = s.store.UserByEmail(ctx, key)
	}
	switch {
	case err == nil: // made by this link, or by another one that was mailed to the address
		return link, p, notify.ErrUsedLink
	case errors.Is(err, models.ErrNotFound) && link.UsedAt == nil:
		return link, p, nil
	}
	return link, pending{}, notify.DeadLink(err)
}

// ConfirmSignup makes the account and signs this browser in to it. The password is asked for again: whoever reads the
// mail of an address that somebody else signed up must not open an account whose password that somebody knows.
// Refusals: KindDeadLink, KindUsedLink, KindWrongPassword, KindInvalidRequest, KindRateLimited, KindUnavailable.
func (s *Service) ConfirmSignup(ctx context.Context, secret string, r signin.BrowserLogin) (key signin.BrowserKey, next string, err error) {
	link, p, err := s.findSignup(ctx, secret)
	if err != nil {
		return key, "", err
	}
	var bad auth.Fields
	if bad.Text("password", r.Password, auth.MaxPassword); bad.Err() != nil {
		return key, "", bad.Err()
	}
	// Wrong passwords are counted of the link, not of the address: strangers can use that limit up, and only the mail's reader has the link.
	waiting := models.User{EmailKey: "signup " + notify.LinkID(secret), PasswordHash: p.Hash}
	if err := s.signIn.ConfirmPassword(ctx, waiting, r.Password, r.From); err != nil {
		return key, "", err
	}
	mailKey, err := s.signIn.EmailKey(ctx, p.Email)
	if err != nil {
		return key, "", err
	}
	now := s.clock.Now()
	user := models.User{
		ID: models.NewID(now), Email: p.Email, EmailKey: mailKey, PasswordHash: p.Hash, Role: models.RoleUser, CreatedAt: now,
	}
	err = s.store.ConfirmUser(ctx, notify.LinkSignup, link.Hash, now, user, auth.NewEvent(models.EventAccountCreated, user.ID, r.From, now))
	if errors.Is(err, models.ErrDuplicate) { // confirmed by another link, or held for the account that left it
		err = models.ErrNotFound
	}
	if err != nil {
		return key, "", notify.UsedOrDead(err, func() error {
			_, _, err := s.FindSignup(ctx, secret)
			return err
		})
	}
	n, keys := s.signIn.NewBrowser(token.Verified{User: user}, r)
	d, err := s.tokens.AddDevice(ctx, n)
	if err != nil {
		return key, "", err
	}
	return signin.KeyOf(d, keys), p.Next, nil
}

// CheckNewAccount judges the address and the password of an account that is to be made. Refusal: KindInvalidRequest, of email and
// password.
func (s *Service) CheckNewAccount(email, password string) error {
	var bad auth.Fields
	bad.Text("email", auth.TrimEmail(email), auth.MaxEmail)
	if len(bad) == 0 {
		bad.Refuse("email", auth.ProblemWithEmail(auth.TrimEmail(email)))
	}
	bad.Refuse("password", s.ProblemWithPassword(email, password))
	return bad.Err()
}

// ProblemWithPassword says why the account of this address cannot have a password, in a sentence for the form, or returns "".
func (s *Service) ProblemWithPassword(email, typed string) string {
	if typed == "" {
		return "This is required."
	}
	return password.Check(typed, auth.TrimEmail(email), s.config.PasswordMin)
}

// NewAccount is an account that an operator makes.
type NewAccount struct {
	Email, Password, Role string
	Generated             bool // the password is printed: its owner must choose another first
	Invited               bool // no one knows the password: the account gets a mail with a link to choose one
}

// CreateUser hashes the password and writes the account with the event that event makes. Refusal: KindEmailTaken.
func (s *Service) CreateUser(ctx context.Context, a NewAccount, event func(models.User) models.Event) (models.User, error) {
	email := auth.TrimEmail(a.Email)
	key, err := s.signIn.EmailKey(ctx, email)
	if err != nil {
		return models.User{}, err
	}
	hash, err := s.hasher.Hash(ctx, a.Password)
	if err != nil {
		return models.User{}, err
	}
	now := s.clock.Now()
	user := models.User{
		ID: models.NewID(now), Email: email, EmailKey: key, PasswordHash: hash, Role: a.Role, CreatedAt: now,
	}
	if a.Generated {
		user.GeneratedAt = &now
	}
	var mails []models.Notice
	if a.Invited {
		user.InvitedAt, mails = &now, append(mails, s.InvitationMail(user))
	}
	err = s.store.AddUser(ctx, user, event(user), mails...)
	return user, EmailTaken(err)
}
