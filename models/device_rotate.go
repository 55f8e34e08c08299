package models

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// Rotation is a device token that was presented, its MAC already checked.
type Rotation struct {
	Key        DeviceKey
	SecretHash []byte
	Generation int64
	ClientID   string // must be the device's; empty asks for none
	JKT        string // thumbprint of the proven key (RFC 9449), empty without a proof
	IP         string // shown as where the device was last seen
	// NetworkUnknown says that IP is not the caller's own, but that of a proxy. It then equals no address: neither one that was
	// stored before, nor one that comes later.
	NetworkUnknown bool
	Now            time.Time
	Window         time.Duration // the retry window
	IdleSince      time.Time
	// EventID and UserAgent go into the event of an unusual outcome.
	EventID   uuid.UUID
	UserAgent string
	Reused    func(Device) Notice // the mail about a device that is revoked for reuse; nil: none
}

// Outcome is what became of a presented device token.
type Outcome int

// The outcomes. The first four hold a usable device.
const (
	Rotated  Outcome = iota + 1 // a new generation; its siblings are dead
	Repeated                    // the latest generation once more
	Forked                      // one more living child of the base
	Restored                    // the database is older than the token, and follows it
	Reused                      // evidence of theft: the device was revoked just now
	Revoked
	Expired
	Idle
	RefreshLimit
	Unknown // no such device, another secret, or another client's
	Unbound // bound to another key than the proven one
)

// RotateResult is the answer of RotateDevice.
type RotateResult struct {
	Outcome  Outcome
	Device   Device // after the act; of an unusable device only what the row holds
	Children int64  // living children of the base
}

// maxGeneration leaves room for the successor and for its child in a bigint.
const maxGeneration = math.MaxInt64 - 2

// The fork rule. A presented generation is a living child (floor to generation: rotate, its siblings die), or the
// base: then it is the same answer once more (R: within the retry window from the same address, or a device bound to
// a key), or one more child. R is spelled out three times, because an UPDATE's assignments see the old row only.
// What a caller from an unknown network rotates is dated in the distant past, so that no address is the same ($12).
const (
	repeatCondition = `($1 = base AND (jkt <> '' OR (rotated_at BETWEEN $2 AND $11 AND last_ip = $3)))`
	rotateStatement = `UPDATE devices SET
	generation = generation + CASE WHEN ` + repeatCondition + ` THEN 0 ELSE 1 END,
	floor = CASE WHEN $1 = base THEN floor ELSE generation + 1 END,
	repeats = CASE WHEN ` + repeatCondition + ` THEN repeats + 1 ELSE 0 END,
	rotated_at = CASE WHEN ` + repeatCondition + ` THEN rotated_at ELSE $12 END,
	base = $1, last_seen_at = $4, last_ip = $3
WHERE user_id = $5 AND id = $6 AND kind = 'app' AND secret_hash = $7 AND revoked_at IS NULL
	AND expires_at > $4 AND last_seen_at > $8 AND (max_refreshes = 0 OR generation <= max_refreshes)
	AND jkt IN ('', $9) AND ($10 = '' OR client_id = $10)
	AND ($1 = base OR $1 BETWEEN floor AND generation)
RETURNING name, client_id, expires_at, generation, base, floor, repeats, max_refreshes, jkt, status_index`

	// usableCondition is the same device, in any state of its generations, for the unusual outcomes.
	usableCondition = `user_id = ? AND id = ? AND kind = 'app' AND secret_hash = ? AND revoked_at IS NULL
	AND expires_at > ? AND last_seen_at > ? AND (max_refreshes = 0 OR generation <= max_refreshes)
	AND jkt IN ('', ?) AND (? = '' OR client_id = ?)`
)

func (r Rotation) usable() []any {
	return []any{r.Key.UserID, r.Key.ID, r.SecretHash, dbTime(r.Now), dbTime(r.IdleSince), r.JKT, r.ClientID, r.ClientID}
}

// retryClockError is how far ahead of this process the clock of the replica that rotated last may have been. A rotation dated
// further in the future comes from a clock that was wrong, and its retry window is over.
const retryClockError = 5 * time.Minute

// retryWindow says when the device must have been rotated for the same address to get the same answer once more. For a caller
// from an unknown network there is no such moment.
func (r Rotation) retryWindow() (from, until time.Time) {
	until = dbTime(r.Now.Add(retryClockError))
	if r.NetworkUnknown || r.IP == "" {
		return until.Add(time.Microsecond), until
	}
	return dbTime(r.Now.Add(-r.Window)), until
}

// rotatedAt is when a rotation counts as done, as far as the retry window is concerned.
func (r Rotation) rotatedAt() time.Time {
	if r.NetworkUnknown || r.IP == "" {
		return time.Unix(0, 0).UTC()
	}
	return dbTime(r.Now)
}

// RotateDevice judges a presented device token by the fork rule. The usual outcomes cost exactly one statement, whose commit
// those that come at the same time share (see rotator); an unusual one a second transaction, which writes its event too.
func (s *Store) RotateDevice(ctx context.Context, r Rotation) (RotateResult, error) {
	if r.Generation < 0 || r.Generation > maxGeneration {
		return RotateResult{Outcome: Unknown}, nil // a successor would overflow
	}
	// Judged again when the row moved between the two statements; each lap means that somebody else's refresh won.
	for range 4 {
		result, err := s.rotate(ctx, r)
		if err == nil && result.Outcome == 0 {
			result, err = s.rotateUnusual(ctx, r)
		}
		if err != nil || result.Outcome != 0 {
			return result, wrapErr("rotate device", err)
		}
	}
	return RotateResult{}, fmt.Errorf("rotate device: %w: the row keeps moving", ErrUnavailable)
}

func (s *Store) rotate(ctx context.Context, r Rotation) (RotateResult, error) {
	d, found, err := s.rotator.rotate(ctx, r)
	if err != nil || !found {
		return RotateResult{}, err
	}
	result := RotateResult{Outcome: Forked, Device: d, Children: d.Generation - d.Floor + 1}
	switch {
	case d.Repeats > 0:
		result.Outcome = Repeated
	case d.Floor == d.Generation:
		result.Outcome = Rotated
	}
	return result, nil
}

// rotateUnusual decides what the usual statement did not: a token that is dead (theft: the device is revoked), one that is
// ahead of a database restored from a backup, or a device that cannot be used, for a reason that a read names.
// A zero outcome means that the row moved meanwhile.
func (s *Store) rotateUnusual(ctx context.Context, r Rotation) (result RotateResult, err error) {
	event := Event{
		UserID: r.Key.UserID, ID: r.EventID, At: r.Now, Actor: ActorSystem, IP: r.IP, UserAgent: r.UserAgent,
		DeviceID: uuid.NullUUID{UUID: r.Key.ID, Valid: true},
	}
	g, now := r.Generation, dbTime(r.Now)
	err = s.tx(ctx, func(tx *gorm.DB) error {
		result = RotateResult{}
		var rows []Device
		outcome := Reused
		event.Kind, event.Detail = EventDeviceReused, RevokedByReuse
		err := tx.Raw(`UPDATE devices SET revoked_at = ?, revoked_by = 'system', revoke_reason = 'reused' WHERE `+usableCondition+
			` AND ? < floor AND ? <> base RETURNING *`, append(append([]any{now}, r.usable()...), g, g)...).Scan(&rows).Error
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			outcome = Restored
			event.Kind, event.Detail = EventDeviceRestored, ""
			err = tx.Raw(`UPDATE devices SET base = ?, generation = ?, floor = ?, repeats = 0, rotated_at = ?, last_seen_at = ?, last_ip = ? WHERE `+
				usableCondition+` AND ? > generation AND (max_refreshes = 0 OR ? <= max_refreshes) RETURNING *`,
				append(append([]any{g, g + 1, g + 1, r.rotatedAt(), now, r.IP}, r.usable()...), g, g)...).Scan(&rows).Error
		}
		if err != nil || len(rows) == 0 {
			return err
		}
		event.DeviceName = rows[0].Name
		if err := addEvent(tx, event); err != nil {
			return err
		}
		if outcome == Reused && r.Reused != nil {
			if err := addNotice(tx, r.Reused(rows[0])); err != nil {
				return err
			}
		}
		result = RotateResult{Outcome: outcome, Device: rows[0], Children: 1}
		return nil
	})
	if err != nil || result.Outcome != 0 {
		return result, err
	}
	return s.refusalReason(ctx, r)
}

// refusalReason reads why a device cannot be used.
func (s *Store) refusalReason(ctx context.Context, r Rotation) (RotateResult, error) {
	var rows []Device
	// From the writer: a reader of its own could still see the row as it was.
	err := s.w.WithContext(ctx).Where("user_id = ? AND id = ? AND kind = 'app' AND secret_hash = ?", r.Key.UserID, r.Key.ID, r.SecretHash).
		Limit(1).Find(&rows).Error
	if err != nil {
		return RotateResult{}, err
	}
	if len(rows) == 0 {
		return RotateResult{Outcome: Unknown}, nil
	}
	d := rows[0]
	result := RotateResult{Device: d}
	switch {
	case r.ClientID != "" && d.ClientID != r.ClientID:
		result.Outcome = Unknown
	case d.RevokedAt != nil && d.RevokeReason == RevokedByExpiry:
		result.Outcome = Expired
	case d.RevokedAt != nil && d.RevokeReason == RevokedByIdleness:
		result.Outcome = Idle
	case d.RevokedAt != nil:
		result.Outcome = Revoked
	case !d.ExpiresAt.After(r.Now):
		result.Outcome = Expired
	case !d.LastSeenAt.After(r.IdleSince):
		result.Outcome = Idle
	case d.MaxRefreshes > 0 && max(d.Generation, r.Generation) > d.MaxRefreshes:
		result.Outcome = RefreshLimit
	case d.JKT != "" && d.JKT != r.JKT:
		result.Outcome = Unbound
	}
	return result, nil
}
