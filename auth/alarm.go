package auth

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
)

// AlarmLink is what the link "This wasn't me" would do.
type AlarmLink struct {
	DeviceName string    // of the device that is signed out, with all that signed in after it
	Since      time.Time // all devices that signed in from this moment on are signed out; without either, every device is
}

// FindAlarm reads a link without using it, however often. A link that cannot be used is KindDeadLink.
func (s *Service) FindAlarm(ctx context.Context, secret string) (AlarmLink, error) {
	link, user, err := s.findLink(ctx, linkAlarm, secret)
	if err != nil || strings.HasPrefix(link.Subject, models.EveryDevice) {
		return AlarmLink{}, err
	}
	if since, ok := models.SubjectSince(link.Subject); ok {
		return AlarmLink{Since: since}, nil
	}
	id, err := uuid.Parse(link.Subject)
	if err != nil {
		return AlarmLink{}, errDeadLink
	}
	d, err := s.store.Device(ctx, user.ID, id)
	if errors.Is(err, models.ErrNotFound) {
		return AlarmLink{}, nil // swept long ago
	}
	return AlarmLink{DeviceName: d.Name}, err
}

// AnswerAlarm uses the link up: it signs the device out, or every device, and locks the password until it is reset by
// mail. Nobody has to be signed in. KindDeadLink for a link that cannot be used; then nothing was changed.
func (s *Service) AnswerAlarm(ctx context.Context, secret string, from Caller) (revoked int64, err error) {
	hash, err := linkHash(secret)
	if err != nil {
		return 0, err
	}
	now := s.now()
	revoked, err = s.store.AnswerAlarm(ctx, models.Alarm{
		Purpose: linkAlarm, Hash: hash, At: now, Event: s.event(models.EventLocked, uuid.Nil, from, now),
	})
	return revoked, deadLink(err)
}

// findLink reads a link and its account, which must be open.
func (s *Service) findLink(ctx context.Context, purpose, secret string) (link models.OneTime, user models.User, err error) {
	hash, err := linkHash(secret)
	if err != nil {
		return link, user, err
	}
	if link, err = s.store.FindOneTime(ctx, purpose, hash, s.now()); err != nil {
		return link, user, deadLink(err)
	}
	if user, err = s.store.UserByID(ctx, link.UserID); err == nil && user.DisabledAt != nil {
		err = errDeadLink
	}
	return link, user, deadLink(err)
}
