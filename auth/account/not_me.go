package account

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/notify"
	"latchkey/auth/ratelimit"
	"latchkey/models"
)

// NotMeLink is what the link "This wasn't me" would do, or has just done.
type NotMeLink struct {
	DeviceName string    // of the device that is signed out, with all that signed in after it
	Since      time.Time // all devices that signed in from this moment on are signed out; without either, every device is
	Email      string    // the account's address, veiled; empty where it is not known to which the link went
	Locked     bool      // the link was used, and the password is locked since
	Moved      bool      // the account has another address than the link went to, which can be taken back
}

// FindNotMe reads a link without using it, however often. A link that cannot be used is KindDeadLink; with one that was used
// lately comes KindUsedLink.
func (s *Service) FindNotMe(ctx context.Context, secret string) (NotMeLink, error) {
	link, user, err := s.findNotMe(ctx, secret)
	if err != nil && auth.AsError(err).Kind != auth.KindUsedLink {
		return NotMeLink{}, err
	}
	a := NotMeLink{Locked: err != nil && user.LockedAt != nil, Moved: link.MailedTo != "" && link.MailedTo != user.EmailKey}
	if link.MailedTo != "" {
		a.Email = auth.MaskEmail(link.MailedTo)
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
		return NotMeLink{}, notify.ErrDeadLink
	}
	d, findErr := s.store.Device(ctx, user.ID, id)
	if findErr != nil && !errors.Is(findErr, models.ErrNotFound) { // not found: swept long ago
		return NotMeLink{}, findErr
	}
	a.DeviceName = d.Name
	return a, err
}

// findNotMe reads a link that went to an address which the account has, or can take back.
func (s *Service) findNotMe(ctx context.Context, secret string) (link models.OneTime, user models.User, err error) {
	link, user, err = s.notify.FindLink(ctx, notify.LinkNotMe, secret)
	if err != nil && auth.AsError(err).Kind != auth.KindUsedLink {
		return link, user, err
	}
	ok, reachErr := s.store.LinkReaches(ctx, link, user.EmailKey, s.clock.Now())
	switch {
	case reachErr != nil:
		err = reachErr
	case !ok:
		err = notify.ErrDeadLink
	}
	return link, user, err
}

// AnswerNotMe uses the link up: it signs the device out, or every device, and locks the password until it is reset by
// mail. Nobody has to be signed in. KindDeadLink for a link that cannot be used, KindUsedLink for one that was used lately; then
// nothing was changed.
func (s *Service) AnswerNotMe(ctx context.Context, secret string, from auth.Caller) (revoked int64, err error) {
	hash, err := notify.LinkHash(secret)
	if err != nil {
		return 0, err
	}
	now := s.clock.Now()
	revoked, err = s.store.ReportNotMe(ctx, models.NotMeReport{
		Purpose: notify.LinkNotMe, Hash: hash, At: now, Event: auth.NewEvent(models.EventLocked, uuid.Nil, from, now),
	})
	return revoked, notify.UsedOrDead(err, func() error {
		_, err := s.FindNotMe(ctx, secret)
		return err
	})
}

// ResetAfterNotMe mails a link to a new password to the owner of an account that this alarm's link has just locked, who
// need not type the address. Refusals: KindDeadLink when it did not, or the account has another address by now, and those
// of RequestPasswordReset.
func (s *Service) ResetAfterNotMe(ctx context.Context, secret string, from auth.Caller) error {
	link, user, err := s.findNotMe(ctx, secret)
	if auth.AsError(err).Kind != auth.KindUsedLink || link.MailedTo != "" && link.MailedTo != user.EmailKey {
		return orDead(err)
	}
	return s.resetLocked(ctx, user, secret, from)
}

// resetLocked is RequestPasswordReset for the owner of a locked account, who holds the secret of the link that locked it. What is
// asked for is counted of that link alone: strangers can use up what may be asked for the address.
func (s *Service) resetLocked(ctx context.Context, user models.User, secret string, from auth.Caller) error {
	switch {
	case user.LockedAt == nil:
		return notify.ErrDeadLink
	case !s.notify.Enabled():
		return errNoMail
	}
	return s.mailPasswordReset(ctx, user.Email, from, func(string) []ratelimit.Quota {
		return []ratelimit.Quota{s.limits.Quota(ratelimit.MaxForgotten, "forgot link", notify.LinkID(secret))}
	})
}

// orDead keeps an error that says more than that the link is not in the state that was wanted.
func orDead(err error) error {
	if err == nil || auth.AsError(err).Kind == auth.KindUsedLink {
		return notify.ErrDeadLink
	}
	return err
}
