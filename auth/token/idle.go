package token

import (
	"context"
	"errors"
	"slices"
	"time"

	"latchkey/auth"
	"latchkey/models"
)

// rotate rotates a device under the idle limit of its client. A refresh that names its client costs one statement, as it does while no
// client has an idle limit of its own. Otherwise rotate first excludes the devices of the clients that have one. If the device turns out
// to belong to such a client, rotate reads which client that is, and tries once more.
func (s *Service) rotate(ctx context.Context, r models.Rotation) (models.RotateResult, error) {
	own := s.clients.Idles()
	if len(own) == 0 || r.ClientID != "" {
		r.IdleSince = r.Now.Add(-s.idle.Of(idleOf(own, r.ClientID)))
		return s.store.RotateDevice(ctx, r)
	}
	open := r.Protected
	r.IdleSince, r.Protected = r.Now.Add(-s.idle.App), slices.Clone(open)
	for _, c := range own {
		if !slices.Contains(open, c.ClientID) {
			r.Protected = append(r.Protected, c.ClientID)
		}
	}
	result, err := s.store.RotateDevice(ctx, r)
	if err != nil || result.Outcome != models.Unauthenticated {
		return result, err
	}
	d, err := s.store.Device(ctx, r.Key.UserID, r.Key.ID)
	switch {
	case errors.Is(err, models.ErrNotFound):
		return models.RotateResult{Outcome: models.Unknown}, nil
	case err != nil || slices.Contains(open, d.ClientID):
		return result, err
	}
	r.ClientID, r.Protected, r.IdleSince = d.ClientID, open, r.Now.Add(-s.idle.Of(idleOf(own, d.ClientID)))
	return s.store.RotateDevice(ctx, r)
}

// idleOf returns the idle limit of a client's own; zero: it has none.
func idleOf(own []auth.ClientIdle, id string) time.Duration {
	for _, c := range own {
		if c.ClientID == id {
			return c.Idle
		}
	}
	return 0
}
