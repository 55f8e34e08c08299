package models

import (
	"context"

	"github.com/google/uuid"
)

// LiveSince lists the live devices that signed in at the time when d did or later, except d and but, newest activity first.
func (s *Store) LiveSince(ctx context.Context, d Device, live Liveness, but uuid.UUID) ([]NamedDevice, error) {
	since := d.moment().devices()
	args := append(append([]any{d.UserID}, since.args...), d.ID, but)
	var list []NamedDevice
	err := s.read(ctx).Raw(`SELECT d.*, COALESCE(c.name, '') AS client_name
		FROM (SELECT * FROM devices WHERE user_id = ? AND `+since.sql+` AND id <> ? AND id <> ? AND `+live.conditionOfUser()+`) AS d
		LEFT JOIN clients c ON c.id = d.client_id AND d.kind = 'app' ORDER BY d.last_seen_at DESC, d.id DESC`,
		append(args, live.argsOf(d.UserID)...)...).Scan(&list).Error
	return list, wrapErr("list devices", err)
}

// Precedes reports whether RevokeSince about the device removes the factor: it was added when the device signed in or later, or is a recovery code
// that was made then.
func (d Device) Precedes(f Factor) bool {
	if d.Seq > 0 && f.Seq > 0 {
		return f.Seq >= d.Seq
	}
	return !f.Since.Before(d.CreatedAt) || f.Kind == FactorRecoveryCode && !f.CreatedAt.Before(d.CreatedAt)
}
