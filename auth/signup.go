package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
)

// SignupRequest is a wish for an account.
type SignupRequest struct {
	Email, Password string
	Next            string // where to go on to once it is confirmed; kept as it is
	From            Caller
}

// pending is an account that waits for its confirmation, sealed beside the hash of the link. Until then there is
// nothing else of it: the address stays free for whoever can read its mail.
type pending struct{ Email, Hash, Next string }

// Signup mails a link that confirms the address. Whether it has an account already, neither the answer tells nor what
// it costs: its owner then gets a mail that says so. Refusals: KindSignupClosed, KindInvalidRequest, KindRateLimited,
// KindUnavailable.
func (s *Service) Signup(ctx context.Context, r SignupRequest) error {
	if !s.SignupOpen {
		return errSignupClosed
	}
	r.Email = TrimEmail(r.Email)
	if err := s.checkNewAccount(r.Email, r.Password); err != nil {
		return err
	}
	if !s.mailing() {
		return errSignupClosed
	}
	leave, err := s.door.enter(r.From)
	if err != nil {
		return err
	}
	defer leave()
	err = s.door.query(ctx, func() error {
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
	err = s.door.query(ctx, func() error {
		key, err := s.emailKey(ctx, r.Email)
		if err != nil {
			return err
		}
		user, err := s.store.UserByEmail(ctx, key)
		if err != nil && !errors.Is(err, models.ErrNotFound) {
			return err
		}
		held, err := s.store.AddressHeld(ctx, key, uuid.Nil, s.now())
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
		s.kickMail()
	}
	return err
}

// How many mails that strangers asked for may wait before sign-ups are refused: maxWaitingMails that no connection to the mail server
// was free for yet, and maxPostponedMails in all. A server takes no mail to a domain that does not answer, for hours, and anybody
// can have a few hundred written to one. A request for a new password is never refused for it. Those under way at the same moment
// may come on top.
const (
	maxWaitingMails   = 200
	maxPostponedMails = 2000
)

var errCrowded = errors.New("auth: too many mails wait that strangers asked for")

// roomForSignup refuses a sign-up while the mail server does not keep up: before it costs a hash, and whatever the address.
func (s *Service) roomForSignup(ctx context.Context) error {
	all, untried, err := s.store.WaitingMails(ctx, askedKinds, maxPostponedMails)
	if err != nil || untried < maxWaitingMails && all < maxPostponedMails {
		return err
	}
	return &Error{Kind: KindUnavailable, Message: "Too many people ask for an account at this moment. Please try again in a few minutes.",
		RetryAfter: 5 * time.Minute, Cause: errCrowded}
}

var errSignupClosed = &Error{Kind: KindSignupClosed, Message: "New accounts cannot be made here."}

// signupNotice is the mail with the link. To an address that has an account, or is held for one, it goes without: nobody ever sees
// that link's secret. The mail to an account's address is that account's, so that it does not outlive it.
func (s *Service) signupNotice(r SignupRequest, hash string, known uuid.UUID, held bool) (models.Notice, error) {
	now := s.now()
	l := letter(LetterSignup, r.From, now)
	l.UserAgent = "" // nothing that a stranger wrote goes to an address that may be another stranger's
	link, secret := newLink(known, linkSignup, models.NewID(now).String(), now, SignupLife)
	text, err := json.Marshal(pending{Email: r.Email, Hash: hash, Next: r.Next})
	if err != nil {
		return models.Notice{}, fmt.Errorf("keep sign-up: %w", err)
	}
	link.Box = s.boxes.seal(signupRow(link.Hash), text)
	switch l.Link, l.Until = secret, link.ExpiresAt; {
	case known != uuid.Nil:
		l.Kind, l.Link = LetterSignupKnown, ""
	case held:
		l.Kind, l.Link = LetterEmailHeld, ""
	}
	n := s.notice(known, l, link)
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
	if !s.SignupOpen {
		return link, p, errDeadLink
	}
	hash, err := linkHash(secret)
	if err != nil {
		return link, p, err
	}
	if link, err = s.store.FindOneTime(ctx, linkSignup, hash, s.now()); err != nil {
		return link, p, deadLink(err)
	}
	text, err := s.boxes.open(signupRow(link.Hash), link.Box)
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil {
		return link, p, &Error{Kind: errDeadLink.Kind, Message: errDeadLink.Message, Cause: err}
	}
	key, err := s.emailKey(ctx, p.Email)
	if err == nil {
		_, err = s.store.UserByEmail(ctx, key)
	}
	switch {
	case err == nil: // made by this link, or by another one that was mailed to the address
		return link, p, errUsedLink
	case errors.Is(err, models.ErrNotFound) && link.UsedAt == nil:
		return link, p, nil
	}
	return link, pending{}, deadLink(err)
}

// ConfirmSignup makes the account and signs this browser in to it. The password is asked for again: whoever reads the
// mail of an address that somebody else signed up must not open an account whose password that somebody knows.
// Refusals: KindDeadLink, KindUsedLink, KindWrongPassword, KindInvalidRequest, KindRateLimited, KindUnavailable.
func (s *Service) ConfirmSignup(ctx context.Context, secret string, r BrowserLogin) (key BrowserKey, next string, err error) {
	link, p, err := s.findSignup(ctx, secret)
	if err != nil {
		return key, "", err
	}
	var bad fields
	if bad.text("password", r.Password, maxPassword); bad.err() != nil {
		return key, "", bad.err()
	}
	// Wrong passwords are counted of the link, not of the address: strangers can use that limit up, and only the mail's reader has the link.
	waiting := models.User{EmailKey: "signup " + LinkID(secret), PasswordHash: p.Hash}
	if err := s.confirmPassword(ctx, waiting, r.Password, r.From); err != nil {
		return key, "", err
	}
	mailKey, err := s.emailKey(ctx, p.Email)
	if err != nil {
		return key, "", err
	}
	now := s.now()
	user := models.User{
		ID: models.NewID(now), Email: p.Email, EmailKey: mailKey, PasswordHash: p.Hash, Role: models.RoleUser, CreatedAt: now,
	}
	err = s.store.ConfirmUser(ctx, linkSignup, link.Hash, now, user, s.event(models.EventAccountCreated, user.ID, r.From, now))
	if errors.Is(err, models.ErrDuplicate) { // confirmed by another link, or held for the account that left it
		err = models.ErrNotFound
	}
	if err != nil {
		return key, "", usedOrDead(err, func() error {
			_, _, err := s.FindSignup(ctx, secret)
			return err
		})
	}
	n, keys := s.newBrowser(verified{user: user}, r)
	d, err := s.addDevice(ctx, n)
	if err != nil {
		return key, "", err
	}
	return keyOf(d, keys), p.Next, nil
}

func (s *Service) checkNewAccount(email, password string) error {
	var bad fields
	bad.text("email", TrimEmail(email), maxEmail)
	if len(bad) == 0 {
		bad.refuse("email", problemWithEmail(TrimEmail(email)))
	}
	bad.refuse("password", s.problemWithPassword(email, password))
	return bad.err()
}

func (s *Service) problemWithPassword(email, password string) string {
	if password == "" {
		return "This is required."
	}
	return checkPassword(password, TrimEmail(email), s.PasswordMin)
}

func (s *Service) createUser(ctx context.Context, email, password, role string, now time.Time, event func(models.User) models.Event) (models.User, error) {
	email = TrimEmail(email)
	key, err := s.emailKey(ctx, email)
	if err != nil {
		return models.User{}, err
	}
	hash, err := s.hasher.Hash(ctx, password)
	if err != nil {
		return models.User{}, err
	}
	user := models.User{
		ID: models.NewID(now), Email: email, EmailKey: key, PasswordHash: hash, Role: role, CreatedAt: now,
	}
	err = s.store.AddUser(ctx, user, event(user))
	return user, emailTaken(err)
}
