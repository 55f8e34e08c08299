package models

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// NamedDevice is a device together with the name under which its app is registered, if it is.
type NamedDevice struct {
	Device     Device `gorm:"embedded"`
	ClientName string
}

// DeviceOverview lists, in one query, a user's live devices, newest activity first, and up to limit of those that
// ended after a moment: revoked, expired or idle, the latest first. If there are more, the list keeps those whose sign-in was copied. The
// store does not keep when a device expired or became idle: its last use counts instead.
func (s *Store) DeviceOverview(ctx context.Context, userID uuid.UUID, live Liveness, since time.Time, limit int) (current, ended []NamedDevice, err error) {
	var rows []struct {
		NamedDevice `gorm:"embedded"`
		Ended       bool
	}
	args := append([]any{userID}, live.argsOf(userID)...)
	args = append(append(args, args...), dbTime(since), limit)
	err = s.read(ctx).Raw(`SELECT d.*, COALESCE(c.name, '') AS client_name FROM (
			SELECT * FROM (SELECT devices.*, 1 = 0 AS ended FROM devices WHERE user_id = ? AND `+live.conditionOfUser()+`) AS a
			UNION ALL
			SELECT * FROM (SELECT devices.*, 1 = 1 AS ended FROM devices WHERE user_id = ? AND NOT (`+live.conditionOfUser()+`)
				AND COALESCE(revoked_at, last_seen_at) > ? ORDER BY CASE WHEN revoke_reason = '`+string(RevokedByReuse)+`' THEN 0 ELSE 1 END, COALESCE(revoked_at, last_seen_at) DESC, id DESC LIMIT ?) AS b
		) AS d LEFT JOIN clients c ON c.id = d.client_id AND d.kind = 'app'
		ORDER BY d.ended, CASE WHEN d.ended THEN COALESCE(d.revoked_at, d.last_seen_at) ELSE d.last_seen_at END DESC, d.id DESC`, args...).Scan(&rows).Error
	for _, row := range rows {
		if row.Ended {
			ended = append(ended, row.NamedDevice)
		} else {
			current = append(current, row.NamedDevice)
		}
	}
	return current, ended, wrapErr("list devices", err)
}
