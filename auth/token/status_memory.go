package token

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/models"
)

const (
	// rememberFor is how far back a database may have fallen for this process to notice: the lag of an asynchronous standby.
	rememberFor = time.Hour
	// mostRemembered bounds the memory: about two megabytes.
	mostRemembered = 10_000
)

// revocationMemory holds the devices whose revocation this process read lately. A database that fell back, because an asynchronous standby
// took over, has forgotten some of them.
type revocationMemory struct {
	seen map[uuid.UUID]models.RevokedDevice // by the device's id
	lost []models.RevokedDevice             // that the database no longer knows to be revoked
}

// note remembers revocations. Where there are too many, the latest are remembered.
func (m *revocationMemory) note(revoked []models.RevokedDevice, now time.Time) {
	if m.seen == nil {
		m.seen = map[uuid.UUID]models.RevokedDevice{}
	}
	for _, d := range revoked {
		if d.ID.Valid && auth.Fresh(d.RevokedAt, now, rememberFor) {
			m.seen[d.ID.UUID] = d
		}
	}
	for span := rememberFor; len(m.seen) > mostRemembered && span > 0; span /= 2 {
		m.forget(now.Add(-span))
	}
}

// forget drops what was revoked before a moment.
func (m *revocationMemory) forget(before time.Time) {
	for id, d := range m.seen {
		if d.RevokedAt.Before(before) {
			delete(m.seen, id)
		}
	}
}

// compare finds what is missing among all devices that were revoked after since.
func (m *revocationMemory) compare(revoked []models.RevokedDevice, since, now time.Time) {
	m.forget(now.Add(-rememberFor))
	known := make(map[uuid.UUID]bool, len(revoked))
	for _, d := range revoked {
		known[d.ID.UUID] = true
	}
	for id, d := range m.seen {
		if d.RevokedAt.After(since) && !known[id] {
			m.lost = append(m.lost, d)
			delete(m.seen, id)
		}
	}
}

// revokeAgain revokes the devices whose revocation the database lost. Those that it fails for stay for the next call.
func (s *Service) revokeAgain(ctx context.Context) error {
	m, again := &s.status.memory, 0
	for len(m.lost) > 0 {
		d := m.lost[0]
		e := auth.NewEvent(eventOf(d.RevokeReason), d.UserID.UUID, auth.Caller{}, s.clock.Now())
		e.Actor, e.Detail = d.RevokedBy, string(d.RevokeReason)
		_, fresh, err := s.store.RevokeDevice(ctx, models.DeviceKey{UserID: d.UserID.UUID, ID: d.ID.UUID}, e)
		if err != nil && !errors.Is(err, models.ErrNotFound) {
			return err
		}
		m.lost = m.lost[1:]
		if fresh {
			again++
		}
	}
	if again > 0 {
		s.log.WarnContext(ctx, "the database had lost revocations, as an asynchronous standby does: the devices are revoked again", "devices", again)
	}
	return nil
}

// eventOf returns the kind of the event that tells of an end for a reason.
func eventOf(reason models.EndReason) models.EventKind {
	switch reason { //nolint:exhaustive // all others have the same event
	case models.RevokedBySignOut:
		return models.EventSignOut
	case models.RevokedByReuse:
		return models.EventDeviceReused
	}
	return models.EventDeviceRevoked
}
