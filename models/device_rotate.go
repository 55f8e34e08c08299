package models

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// Rotation is a presented device token whose MAC the caller has checked.
type Rotation struct {
	Key        DeviceKey
	SecretHash []byte
	Generation int64
	ClientID   string // must be the device's; empty: not checked
	// Protected are the clients whose devices this request may not use, because it did not authenticate as they must (RFC 6749 §2.3).
	Protected []string
	JKT       string // thumbprint of the proven key (RFC 9449), empty without a proof
	IP        string // shown as where the device was last seen; empty: unknown, and equal to no address, not even to another unknown one
	Now       time.Time
	Window    time.Duration // the retry window of the fork rule
	IdleSince time.Time     // a device not seen after this is idle
	UserAgent string
	EventID   uuid.UUID // of the event of an unusual outcome
	// Reused tells about a device that is revoked for reuse: what its event keeps and the mail to its owner. nil: neither.
	Reused func(Device) (*Reuse, MailWithLinks)
}

// Outcome is the result of presenting a device token.
type Outcome int

// The outcomes. With the first four the device is usable.
const (
	Rotated  Outcome = iota + 1 // a new generation; its siblings are dead
	Repeated                    // the latest generation once more
	Forked                      // one more living child of the base
	Restored                    // the database was restored from a backup older than the token, and now follows it
	Reused                      // evidence of theft: this call revoked the device
	Revoked
	Expired
	Idle
	RefreshLimit
	Unknown         // no such device, or another secret or client
	Unbound         // the device is bound to another key than the proven one
	Unauthenticated // the device is of one of the protected clients
)

// RotateResult is the answer of RotateDevice.
type RotateResult struct {
	Outcome  Outcome
	Device   Device // as it is afterwards; zero when the outcome is Unknown because there is no row
	Children int64  // living children of the base
}

// maxGeneration leaves room for the successor and for its child in a bigint.
const maxGeneration = math.MaxInt64 - 2

// The fork rule. A presented generation is a living child (floor to generation: rotate, its siblings die), or the
// base: then it is the same answer once more (R: within the retry window from the same address, or a device bound to
// a key), or one more child. R is spelled out three times, because an UPDATE's assignments see the old row only.
// A rotation from an unknown address is dated 1970 ($12), so that no later request counts as a retry.
const (
	repeatCondition = `($1 = base AND (jkt <> '' OR (rotated_at BETWEEN $2 AND $11 AND last_ip = $3)))`
	rotateStatement = `UPDATE devices SET
	generation = generation + CASE WHEN ` + repeatCondition + ` THEN 0 ELSE 1 END,
	floor = CASE WHEN $1 = base THEN floor ELSE generation + 1 END,
	repeats = CASE WHEN ` + repeatCondition + ` THEN repeats + 1 ELSE 0 END,
	rotated_at = CASE WHEN ` + repeatCondition + ` THEN rotated_at ELSE $12 END,
	base = $1, last_seen_at = $4, last_ip = $3, refresh_agent = $13, refresh_agent_at = $4
WHERE user_id = $5 AND id = $6 AND kind = 'app' AND secret_hash = $7 AND revoked_at IS NULL
	AND expires_at > $4 AND last_seen_at > $8 AND (max_refreshes = 0 OR generation <= max_refreshes)
	AND jkt IN ('', $9) AND ($10 = '' OR client_id = $10) AND ` + notProtected14 + `
	AND ($1 = base OR $1 BETWEEN floor AND generation)
RETURNING name, client_id, scope, created_at, expires_at, generation, base, floor, repeats, max_refreshes, jkt, status_index, proved_by, proved_at`

	// usableCondition holds for the same device, whatever its generations. The unusual outcomes use it.
	usableCondition = `user_id = ? AND id = ? AND kind = 'app' AND secret_hash = ? AND revoked_at IS NULL
	AND expires_at > ? AND last_seen_at > ? AND (max_refreshes = 0 OR generation <= max_refreshes)
	AND jkt IN ('', ?) AND (? = '' OR client_id = ?) AND ` + notProtected

	// A list of clients is one text, with a line break before and after each: no client_id has one. The statement is thus the same for
	// every list.
	notProtected   = "(? = '' OR replace(?, '\n' || client_id || '\n', '') = ?)"
	notProtected14 = "($14 = '' OR replace($14, '\n' || client_id || '\n', '') = $14)"
)

// listOfClients is the argument of notProtected.
func listOfClients(ids []string) string {
	if len(ids) == 0 {
		return ""
	}
	return "\n" + strings.Join(ids, "\n") + "\n"
}

func (r Rotation) usable() []any {
	list := listOfClients(r.Protected)
	return []any{r.Key.UserID, r.Key.ID, r.SecretHash, dbTime(r.Now), dbTime(r.IdleSince), r.JKT, r.ClientID, r.ClientID, list, list, list}
}

// retryClockError is how far the clock of the replica that rotated last may be ahead of this one. A rotation dated further in the
// future comes from a wrong clock, and its retry window is over.
const retryClockError = 5 * time.Minute

// retryWindow returns the span in which the last rotation must lie for this request to count as its retry. For an unknown
// address the span is empty.
func (r Rotation) retryWindow() (from, until time.Time) {
	until = dbTime(r.Now.Add(retryClockError))
	if r.IP == "" {
		return until.Add(time.Microsecond), until
	}
	return dbTime(r.Now.Add(-r.Window)), until
}

// rotatedAt is the date of this rotation for the retry windows of later requests.
func (r Rotation) rotatedAt() time.Time {
	if r.IP == "" {
		return time.Unix(0, 0).UTC()
	}
	return dbTime(r.Now)
}

// LastRefresh returns from where and by what program an app was refreshed last. Each is empty if unknown.
func (d Device) LastRefresh() (ip, userAgent string) {
	if d.RotatedAt.Unix() != 0 { // see rotatedAt
		ip = d.LastIP
	}
	if d.RefreshAgentAt != nil && d.RefreshAgentAt.Equal(d.LastSeenAt) {
		userAgent = d.RefreshAgent
	}
	return ip, userAgent
}

// RotateDevice applies the fork rule to a presented device token. A usual outcome costs exactly one statement, and refreshes that
// arrive at the same time share a commit (see rotator). An unusual outcome costs a second transaction, which writes its event too.
// RotateDevice returns ErrUnavailable when the database did not answer; then the token may or may not have been used, and the
// client repeats it.
func (s *Store) RotateDevice(ctx context.Context, r Rotation) (RotateResult, error) {
	if r.Generation < 0 || r.Generation > maxGeneration {
		return RotateResult{Outcome: Unknown}, nil // a successor would overflow
	}
	// When another refresh changes the row between the two statements, both run again.
	for range 4 {
		result, err := s.rotate(ctx, r)
		if err == nil && result.Outcome == 0 {
			result, err = s.rotateUnusual(ctx, r)
		}
		if err != nil || result.Outcome != 0 {
			return result, wrapErr("rotate device", err)
		}
	}
	return RotateResult{}, fmt.Errorf("rotate device: %w: the row keeps changing", ErrUnavailable)
}

func (s *Store) rotate(ctx context.Context, r Rotation) (RotateResult, error) {
	if _, err := s.onCitus(ctx); err != nil {
		return RotateResult{}, err
	}
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

// rotateUnusual handles what rotateStatement does not: a dead generation (evidence of theft, the device is revoked), a generation
// ahead of a database that was restored from a backup, and a device that cannot be used. An outcome of zero means that another
// refresh changed the row in between.
func (s *Store) rotateUnusual(ctx context.Context, r Rotation) (result RotateResult, err error) {
	event := Event{
		UserID: r.Key.UserID, ID: r.EventID, At: r.Now, Actor: ActorSystem, IP: r.IP, UserAgent: r.UserAgent,
		DeviceID: uuid.NullUUID{UUID: r.Key.ID, Valid: true},
	}
	g, now := r.Generation, dbTime(r.Now)
	err = s.tx(ctx, func(tx *gorm.DB) error {
		result = RotateResult{}
		outcome := Reused
		event.Kind, event.Detail = EventDeviceReused, string(RevokedByReuse)
		rows, err := revoke(tx, "*", revocation{r.Now, ActorSystem, RevokedByReuse}, r.Key.UserID, usableCondition+" AND ? < floor AND ? <> base", append(r.usable(), g, g)...)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			outcome = Restored
			event.Kind, event.Detail = EventDeviceRestored, ""
			err = tx.Raw(`UPDATE devices SET base = ?, generation = ?, floor = ?, repeats = 0, rotated_at = ?, last_seen_at = ?, last_ip = ?,
				refresh_agent = ?, refresh_agent_at = ? WHERE `+
				usableCondition+` AND ? > generation AND (max_refreshes = 0 OR ? <= max_refreshes) RETURNING *`,
				append(append([]any{g, g + 1, g + 1, r.rotatedAt(), now, r.IP, r.UserAgent, now}, r.usable()...), g, g)...).Scan(&rows).Error
		}
		if err != nil || len(rows) == 0 {
			return err
		}
		event.DeviceName = rows[0].Name
		var mail MailWithLinks
		if outcome == Reused && r.Reused != nil {
			event.Reuse, mail = r.Reused(rows[0])
		}
		if err := addEvent(tx, event); err != nil {
			return err
		}
		if err := addMail(tx, mail); err != nil {
			return err
		}
		result = RotateResult{Outcome: outcome, Device: rows[0], Children: 1}
		return nil
	})
	if err != nil || result.Outcome != 0 {
		return result, err
	}
	return s.refusalReason(ctx, r)
}

// refusalReason reads the row to find out why the device cannot be used.
func (s *Store) refusalReason(ctx context.Context, r Rotation) (RotateResult, error) {
	var rows []Device
	// Use the writer: a reader may still see an older state of the row.
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
	case slices.Contains(r.Protected, d.ClientID):
		return RotateResult{Outcome: Unauthenticated}, nil
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
