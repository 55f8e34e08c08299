package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/notify"
	"latchkey/auth/password"
	"latchkey/auth/ratelimit"
	"latchkey/models"
)

// SignupRequest is a request for a new account.
type SignupRequest struct {
	Email, Password string
	Next            string // where the browser goes after the confirmation; stored as it is
	Language        string // of the mail and of the account, a tag of BCP 47; empty: none was chosen
	From            auth.Caller
}

// pending is an account that waits for its confirmation. It is sealed in the link and stored nowhere else, so the address stays
// free until its owner confirms it.
type pending struct{ Email, Hash, Next, Language string }

// Signup mails a link that confirms the address. The response and its cost do not tell whether the address already has an account:
// its owner gets a mail that says so. Signup returns KindSignupClosed, KindInvalidRequest, KindRateLimited, or KindUnavailable.
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
		return s.limits.CountRequest(ctx, s.limits.NetworkQuota(r.From, ratelimit.MaxJudged, "signup password"))
	})
	if err != nil {
		return err
	}
	if err := s.JudgePassword(ctx, "password", r.Email, r.Password); err != nil {
		return err
	}
	if err := s.gate.Query(ctx, func() error { return s.countSignup(ctx, r) }); err != nil {
		return err
	}
	hash, err := s.hasher.Hash(ctx, r.Password)
	if err != nil {
		return err
	}
	err = s.gate.Query(ctx, func() error {
		key, err := auth.EmailKey(ctx, s.store, r.Email, s.clock.Now())
		if err != nil {
			return err
		}
		user, err := s.store.UserByEmail(ctx, key)
		if err != nil && !errors.Is(err, models.ErrNotFound) {
			return err
		}
		held, language, err := s.store.AddressHeld(ctx, key, uuid.Nil, s.clock.Now())
		if err != nil {
			return err
		}
		n, err := s.signupMail(r, hash, user.ID, held, language)
		if err != nil {
			return err
		}
		if err = s.store.AddMail(ctx, n); errors.Is(err, models.ErrNotFound) {
			return nil // deleted since it was read: what the mail says is no longer true
		}
		return err
	})
	if err == nil {
		s.notify.Wake()
	}
	return err
}

// How many mails that strangers asked for may wait before sign-ups are refused: MaxWaitingMails that were never tried, and
// MaxPostponedMails in all. A mail to a domain whose server does not respond waits for hours, and anyone can cause a few hundred of
// those. Password resets are never refused for this reason. Requests in progress at the same time can exceed the limits by their
// number.
const (
	MaxWaitingMails   = 200
	MaxPostponedMails = 2000
)

// roomForSignup refuses a sign-up while the mail server does not keep up: before it costs a hash, and for any address.
func (s *Service) roomForSignup(ctx context.Context) error {
	all, untried, err := s.store.WaitingMails(ctx, notify.AskedKinds, MaxPostponedMails)
	if err != nil || untried < MaxWaitingMails && all < MaxPostponedMails {
		return err
	}
	return &auth.Error{Kind: auth.KindUnavailable, Message: "Too many people are creating accounts right now.",
		RetryAfter: 5 * time.Minute, Limit: "mails_waiting", Cause: auth.ErrCrowded}
}

var errSignupClosed = &auth.Error{Kind: auth.KindSignupClosed, Message: "You can’t create an account here. Ask your administrator for one."}

// signupMail returns the mail with the link. If an account has the address, or may take it back, the mail has no link, and its
// secret never leaves this function. A mail to an account's address belongs to that account, so it is deleted with it. holder is the
// language of the account for which the address is held.
func (s *Service) signupMail(r SignupRequest, hash string, known uuid.UUID, held bool, holder string) (models.MailWithLinks, error) {
	now := s.clock.Now()
	l := notify.NewNotification(notify.KindSignup, r.From, now)
	l.Language = r.Language // a mail to an account is in the account's own
	l.UserAgent = ""        // the address may be a stranger's: it gets no text that a person wrote
	link, secret := notify.NewLink(known, notify.LinkSignup, models.NewID(now).String(), now, notify.SignupLife)
	text, err := json.Marshal(pending{Email: r.Email, Hash: hash, Next: r.Next, Language: r.Language})
	if err != nil {
		return models.MailWithLinks{}, fmt.Errorf("keep sign-up: %w", err)
	}
	link.Payload = s.sealer.Seal(signupRow(link.Hash), text)
	switch l.Link, l.Until = secret, link.ExpiresAt; {
	case known != uuid.Nil:
		l.Kind, l.Link = notify.KindSignupKnown, ""
	case held:
		l.Kind, l.Link, l.Language = notify.KindEmailHeld, "", holder
	}
	n := s.notify.Compose(known, l, link)
	n.Mail.Recipient, n.Mail.Priority = r.Email, models.MailRest
	return n, nil
}

func signupRow(hash []byte) []byte { return append([]byte("signup\x00"), hash...) }

// FindSignup returns the address that a link confirms and where the browser goes afterwards, without using the link. It returns
// KindDeadLink if the link cannot be used, and KindUsedLink together with the result if the address has its account already.
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
	text, _, err := s.sealer.Open(signupRow(link.Hash), link.Payload)
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil {
		return link, p, &auth.Error{Kind: notify.ErrDeadLink.Kind, Message: notify.ErrDeadLink.Message, Cause: err}
	}
	key, err := auth.EmailKey(ctx, s.store, p.Email, s.clock.Now())
	if err == nil {
		_, err = s.store.UserByEmail(ctx, key)
	}
	switch {
	case err == nil: // confirmed by this link or by another one to the address
		return link, p, notify.ErrUsedLink
	case errors.Is(err, models.ErrNotFound) && link.UsedAt == nil:
		return link, p, nil
	}
	return link, pending{}, notify.DeadLink(err)
}

// ConfirmSignup makes the account and signs this browser in to it. It asks for the password again: another person may have signed
// up the address, and the reader of its mail must not open an account whose password that person knows. ConfirmSignup returns
// KindDeadLink, KindUsedLink, KindWrongPassword, KindInvalidRequest, KindRateLimited, or KindUnavailable.
func (s *Service) ConfirmSignup(ctx context.Context, secret string, r browser.Login) (key browser.Key, next string, err error) {
	link, p, err := s.findSignup(ctx, secret)
	if err != nil {
		return key, "", err
	}
	var bad auth.Fields
	if bad.Text("password", r.Password, auth.MaxPassword); bad.Err() != nil {
		return key, "", bad.Err()
	}
	// Wrong passwords count for the link, not for the address. Strangers could use up a limit of the address, but only the reader
	// of the mail has the link.
	waiting := models.User{EmailKey: "signup " + notify.LinkID(secret), PasswordHash: p.Hash}
	if err := s.passwords.Confirm(ctx, waiting, r.Password, r.From); err != nil {
		return key, "", err
	}
	mailKey, err := auth.EmailKey(ctx, s.store, p.Email, s.clock.Now())
	if err != nil {
		return key, "", err
	}
	now := s.clock.Now()
	user := models.User{
		ID: models.NewID(now), Email: p.Email, EmailKey: mailKey, PasswordHash: p.Hash, Role: models.RoleUser, CreatedAt: now, Language: p.Language,
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
	key, err = s.browsers.SignIn(ctx, user, models.BySignUp, r.From, r.Replaces)
	return key, p.Next, err
}

// CheckNewAccount checks the address and the password of a new account. It returns KindInvalidRequest, of email and password.
func (s *Service) CheckNewAccount(email, password string) error {
	var bad auth.Fields
	bad.Text("email", auth.TrimEmail(email), auth.MaxEmail)
	if len(bad) == 0 {
		bad.Refuse("email", auth.ProblemWithEmail(auth.TrimEmail(email)))
	}
	bad.Refuse("password", s.ProblemWithPassword(email, password))
	return bad.Err()
}

// ProblemWithPassword returns why no account with this address can have the password, as a sentence for the form, or "". The expensive
// checks are left to JudgePassword.
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

	// Of an account that a backend creates:
	NoPassword           bool // no password opens it
	EmailVerified        bool
	ExternalID, Metadata string
	Creation             *models.Creation // under a key of the client's; nil: without one
}

// CreateUser hashes the password and writes the account with the event that event returns. It returns KindEmailTaken if another
// account has the address or may take it back, models.ErrExternalID if another has the external id, and of Creation the account that the client made
// before or the errors of models.Store.CreateUser.
func (s *Service) CreateUser(ctx context.Context, a NewAccount, event func(models.User) models.Event) (models.User, error) {
	email := auth.TrimEmail(a.Email)
	key, err := auth.EmailKey(ctx, s.store, email, s.clock.Now())
	if err != nil {
		return models.User{}, err
	}
	hash := password.None
	if !a.NoPassword {
		if hash, err = s.hasher.Hash(ctx, a.Password); err != nil {
			return models.User{}, err
		}
	}
	now := s.clock.Now()
	user := models.User{
		ID: models.NewID(now), Email: email, EmailKey: key, PasswordHash: hash, Role: a.Role, CreatedAt: now, UpdatedAt: now, PasswordChangedAt: now,
		EmailVerified: a.EmailVerified, ExternalID: a.ExternalID, Metadata: a.Metadata,
	}
	if a.Generated {
		user.GeneratedAt = &now
	}
	var mails []models.MailWithLinks
	if a.Invited {
		user.InvitedAt, mails = &now, append(mails, s.InvitationMail(user))
	}
	id, err := s.store.CreateUser(ctx, user, a.Creation, event(user), mails...)
	switch {
	case errors.Is(err, models.ErrExternalID):
		return user, err
	case err == nil && a.Creation != nil: // made before, or read again with the times as they are stored
		return s.store.UserByID(ctx, id)
	}
	return user, EmailTaken(err)
}
