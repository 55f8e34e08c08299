package account

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/notify"
	"latchkey/auth/ratelimit"
	"latchkey/models"
)

// NotMeLink is what the link "This wasn't me" would do, or has done.
type NotMeLink struct {
	DeviceName string    // of the device that is signed out, with all devices that signed in after it
	Since      time.Time // all devices that signed in from this time on are signed out; without DeviceName and Since, every device is
	At         time.Time // when that device signed in, or Factor was added; otherwise when the link was mailed
	Email      string    // the address that the link went to, masked; empty if it was not recorded
	Locked     bool      // the link was used, and the password is still locked
	Moved      bool      // the account's address is no longer the one that the link went to, which can be taken back

	// OfFactor says that the link is about a factor that was added: it is removed with every later one, and the devices that signed in
	// since are signed out. Factor is that factor; the zero Factor: it was removed already.
	OfFactor bool
	Factor   models.Factor
}

// FindNotMe reads a link without using it. It returns KindDeadLink if the link cannot be used, and KindUsedLink together with the
// result if it was used recently.
func (s *Service) FindNotMe(ctx context.Context, secret string) (NotMeLink, error) {
	link, user, err := s.findNotMe(ctx, secret)
	if err != nil && auth.AsError(err).Kind != auth.KindUsedLink {
		return NotMeLink{}, err
	}
	a := NotMeLink{At: link.CreatedAt, Locked: err != nil && user.LockedAt != nil, Moved: link.MailedTo != "" && link.MailedTo != user.EmailKey}
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
	if id, ok := models.SubjectFactor(link.Subject); ok {
		a.OfFactor = true
		list, listErr := s.store.Factors(ctx, user.ID)
		if listErr != nil {
			return NotMeLink{}, listErr
		}
		if at := slices.IndexFunc(list, func(f models.Factor) bool { return f.ID == id }); at >= 0 {
			a.Factor, a.At = list[at], list[at].CreatedAt
		}
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
	if findErr == nil {
		a.DeviceName, a.At = d.Name, d.CreatedAt
	}
	return a, err
}

// findNotMe reads a link that went to an address that the account has, or can take back.
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

// AnswerNotMe uses the link: it signs out the device or devices, removes the factors that were added since, and locks the password until
// a mail resets it. The person need not be signed in. AnswerNotMe returns KindDeadLink, or KindUsedLink for a link that was
// used recently; then nothing was changed.
func (s *Service) AnswerNotMe(ctx context.Context, secret string, from auth.Caller) (done models.NotMeDone, err error) {
	hash, err := notify.LinkHash(secret)
	if err != nil {
		return done, err
	}
	now := s.clock.Now()
	done, err = s.store.ReportNotMe(ctx, models.NotMeReport{
		Purpose: notify.LinkNotMe, Hash: hash, At: now, Event: auth.NewEvent(models.EventLocked, uuid.Nil, from, now),
	})
	return done, notify.UsedOrDead(err, func() error {
		_, err := s.FindNotMe(ctx, secret)
		return err
	})
}

// ResetAfterNotMe mails the link of a password reset to the owner of an account that this link has just locked, who need not type
// the address. It returns KindDeadLink if the link has not, or if the account's address has changed since, and the errors of
// RequestPasswordReset.
func (s *Service) ResetAfterNotMe(ctx context.Context, secret string, from auth.Caller) error {
	link, user, err := s.findNotMe(ctx, secret)
	if auth.AsError(err).Kind != auth.KindUsedLink || link.MailedTo != "" && link.MailedTo != user.EmailKey {
		return notify.OrDead(err)
	}
	return s.ResetLocked(ctx, user, secret, from)
}

// ResetLocked is RequestPasswordReset for the owner of a locked account, who holds the secret of the link that locked it. It has a
// quota for this link alone, because strangers can use up the quota of the address.
func (s *Service) ResetLocked(ctx context.Context, user models.User, secret string, from auth.Caller) error {
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
