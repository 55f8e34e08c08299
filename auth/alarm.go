package auth

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
)

// AlarmLink is what the link "This wasn't me" would do, or has just done.
type AlarmLink struct {
	DeviceName string    // of the device that is signed out, with all that signed in after it
	Since      time.Time // all devices that signed in from this moment on are signed out; without either, every device is
	Email      string    // the account's address, veiled; empty where it is not known to which the link went
	Locked     bool      // the link was used, and the password is locked since
	Moved      bool      // the account has another address than the link went to, which can be taken back
}

// FindAlarm reads a link without using it, however often. A link that cannot be used is KindDeadLink; with one that was used
// lately comes KindUsedLink.
func (s *Service) FindAlarm(ctx context.Context, secret string) (AlarmLink, error) {
	link, user, err := s.findAlarm(ctx, secret)
	if err != nil && AsError(err).Kind != KindUsedLink {
		return AlarmLink{}, err
	}
	a := AlarmLink{Locked: err != nil && user.LockedAt != nil, Moved: link.MailedTo != "" && link.MailedTo != user.EmailKey}
	if link.MailedTo != "" {
		a.Email = veil(link.MailedTo)
	}
	if strings.HasPrefix(link.Subject, models.EveryDevice) {
		return a, err
	}
	if since, ok := models.SubjectSince(link.Subject); ok {
		a.Since = since
		return a, err
	}
	id, parseErr := uuid.Parse(link.Subject)
	if parseErr != nil {
		return AlarmLink{}, errDeadLink
	}
	d, findErr := s.store.Device(ctx, user.ID, id)
	if findErr != nil && !errors.Is(findErr, models.ErrNotFound) { // not found: swept long ago
		return AlarmLink{}, findErr
	}
	a.DeviceName = d.Name
	return a, err
}

// findAlarm reads a link that went to an address which the account has, or can take back.
func (s *Service) findAlarm(ctx context.Context, secret string) (link models.OneTime, user models.User, err error) {
	link, user, err = s.findLink(ctx, linkAlarm, secret)
	if err != nil && AsError(err).Kind != KindUsedLink {
		return link, user, err
	}
	ok, reachErr := s.store.LinkReaches(ctx, link, user.EmailKey, s.now())
	switch {
	case reachErr != nil:
		err = reachErr
	case !ok:
		err = errDeadLink
	}
	return link, user, err
}

// AnswerAlarm uses the link up: it signs the device out, or every device, and locks the password until it is reset by
// mail. Nobody has to be signed in. KindDeadLink for a link that cannot be used, KindUsedLink for one that was used lately; then
// nothing was changed.
func (s *Service) AnswerAlarm(ctx context.Context, secret string, from Caller) (revoked int64, err error) {
	hash, err := linkHash(secret)
	if err != nil {
		return 0, err
	}
	now := s.now()
	revoked, err = s.store.ReportNotMe(ctx, models.NotMeReport{
		Purpose: linkAlarm, Hash: hash, At: now, Event: s.event(models.EventLocked, uuid.Nil, from, now),
	})
	return revoked, usedOrDead(err, func() error {
		_, err := s.FindAlarm(ctx, secret)
		return err
	})
}

// ForgotAfterAlarm mails a link to a new password to the owner of an account that this alarm's link has just locked, who
// need not type the address. Refusals: KindDeadLink when it did not, or the account has another address by now, and those
// of ForgotPassword.
func (s *Service) ForgotAfterAlarm(ctx context.Context, secret string, from Caller) error {
	link, user, err := s.findAlarm(ctx, secret)
	if AsError(err).Kind != KindUsedLink || link.MailedTo != "" && link.MailedTo != user.EmailKey {
		return orDead(err)
	}
	return s.forgotLocked(ctx, user, secret, from)
}

// forgotLocked is ForgotPassword for the owner of a locked account, who holds the secret of the link that locked it. What is
// asked for is counted of that link alone: strangers can use up what may be asked for the address.
func (s *Service) forgotLocked(ctx context.Context, user models.User, secret string, from Caller) error {
	switch {
	case user.LockedAt == nil:
		return errDeadLink
	case !s.mailing():
		return errNoMail
	}
	return s.mailReset(ctx, user.Email, from, func(string) []quota { return []quota{{s.hide("forgot link", LinkID(secret)), maxForgotten}} })
}

// orDead keeps an error that says more than that the link is not in the state that was wanted.
func orDead(err error) error {
	if err == nil || AsError(err).Kind == KindUsedLink {
		return errDeadLink
	}
	return err
}
