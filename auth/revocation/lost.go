package revocation

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/models"
)

const (
	// rememberFor is how far a database may fall back for this process to notice: the lag of an asynchronous standby.
	rememberFor = time.Hour
	// mostRemembered bounds the memory: about two megabytes.
	mostRemembered = 10_000
	// compareEvery is how often what is remembered is compared without a reason.
	compareEvery = 10 * time.Minute
)

// remembered are the devices whose revocation this process read lately. A database that fell back, because an asynchronous standby took over,
// has forgotten some of them.
type remembered struct {
	devices            map[uuid.UUID]models.RevokedDevice // by their ids
	readAt, comparedAt time.Time
	failed             bool // the last time
}

// Watch reads every second which devices were revoked, and revokes those again whose revocation the database lost: at once after
// an outage and where one of the last seconds is missing, otherwise within ten minutes. It goes by the last hour, and by the latest 10,000
// devices. It runs until ctx ends.
func (s *Service) Watch(ctx context.Context) {
	tick := time.NewTicker(ReadEvery)
	defer tick.Stop()
	var m remembered
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := s.compare(ctx, &m); err != nil && ctx.Err() == nil {
				s.log.DebugContext(ctx, "revocations could not be compared", "error", err) // Load warns
			}
		}
	}
}

func (s *Service) compare(ctx context.Context, m *remembered) (err error) {
	now := s.clock.Now()
	since := now.Add(-rememberFor)
	if auth.Fresh(m.readAt, now, rememberFor) {
		since = m.readAt.Add(-overlap)
	}
	defer func() { m.failed = err != nil }()
	list, err := s.store.RecentlyRevoked(ctx, since, mostRemembered)
	if err != nil {
		return err
	}
	if m.failed || !auth.Fresh(m.comparedAt, now, compareEvery) || m.misses(list, since) {
		if err := s.revokeAgain(ctx, m); err != nil {
			return err
		}
		m.comparedAt = now
	}
	m.note(list, now)
	m.readAt = now
	return nil
}

// misses reports whether a device that was revoked after since is not in the list of all.
func (m *remembered) misses(list []models.RevokedDevice, since time.Time) bool {
	if len(list) == mostRemembered { // the list is not whole
		return false
	}
	known := make(map[uuid.UUID]bool, len(list))
	for _, d := range list {
		known[d.ID] = true
	}
	for id, d := range m.devices {
		if d.RevokedAt.After(since) && !known[id] {
			return true
		}
	}
	return false
}

// ownEnds are reasons for which devices end without an act of a person or an operator, and for which they would end again.
var ownEnds = []models.EndReason{models.RevokedByExpiry, models.RevokedByIdleness, models.RevokedByReplace, models.RevokedByNewSignIn, models.RevokedByLimit, models.RevokedForRoom}

// note remembers devices, and forgets what is older than an hour or beyond the latest that it may remember.
func (m *remembered) note(list []models.RevokedDevice, now time.Time) {
	if len(list) == 0 {
		return
	}
	all := make([]models.RevokedDevice, 0, len(list))
	for _, d := range list {
		delete(m.devices, d.ID)
		if !slices.Contains(ownEnds, d.RevokeReason) {
			all = append(all, d)
		}
	}
	for _, d := range m.devices {
		if auth.Fresh(d.RevokedAt, now, rememberFor) {
			all = append(all, d)
		}
	}
	slices.SortFunc(all, func(a, b models.RevokedDevice) int { return b.RevokedAt.Compare(a.RevokedAt) })
	m.devices = make(map[uuid.UUID]models.RevokedDevice, len(all))
	for _, d := range all[:min(len(all), mostRemembered)] {
		m.devices[d.ID] = d
	}
}

// revokeAgain revokes the devices that the database says are not. It goes on after an error, and returns the last one.
func (s *Service) revokeAgain(ctx context.Context, m *remembered) error {
	keys := make([]models.DeviceKey, 0, len(m.devices))
	for _, d := range m.devices {
		keys = append(keys, models.DeviceKey{UserID: d.UserID, ID: d.ID})
	}
	lost, err := s.store.NotRevoked(ctx, keys)
	again := 0
	for _, key := range lost {
		d := m.devices[key.ID]
		e := auth.NewEvent(models.EventDeviceRevoked, key.UserID, auth.Caller{}, s.clock.Now())
		e.Actor, e.Detail = models.ActorSystem, string(d.RevokeReason)
		if d.RevokeReason == models.RevokedByReuse {
			e.Kind = models.EventDeviceReused
		}
		_, fresh, failure := s.store.RevokeDevice(ctx, key, e)
		switch {
		case fresh:
			again++
		case failure != nil && !errors.Is(failure, models.ErrNotFound):
			err = failure
		}
	}
	if again > 0 {
		s.log.WarnContext(ctx, "the database had lost revocations, as an asynchronous standby does: the devices are revoked again", "devices", again)
	}
	return err
}
