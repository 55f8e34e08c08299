package models

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// IncidentState is how far an incident has got. The words are stored.
type IncidentState string

// The states.
const (
	IncidentPreview IncidentState = "preview" // counted; it may be confirmed for a while
	IncidentRunning IncidentState = "running"
	IncidentPaused  IncidentState = "paused"
	IncidentDone    IncidentState = "done"
)

// IncidentFilter says which devices an incident signs out: those for which each part that is given holds. Its JSON is stored.
type IncidentFilter struct {
	Clients  []string       `json:"clients,omitempty"`      // one of these client_ids
	From     *time.Time     `json:"created_from,omitempty"` // signed in at this time or later
	To       *time.Time     `json:"created_to,omitempty"`   // signed in before this time
	Networks []netip.Prefix `json:"networks,omitempty"`     // signed in from one of these
	Unbound  bool           `json:"unbound,omitempty"`      // not bound to a key
}

// IncidentCounts is what a preview counted. Its JSON is stored.
type IncidentCounts struct {
	Live      int64            `json:"live"` // devices of the server
	Devices   int64            `json:"devices"`
	Accounts  int64            `json:"accounts"`
	Browsers  int64            `json:"browsers"`
	Bound     int64            `json:"bound"`
	Active    int64            `json:"active"`     // seen within a day
	Passkeys  int64            `json:"passkeys"`   // signed in without a password
	NoAddress int64            `json:"no_address"` // left alone, for the IP address of their sign-in is not known
	Clients   map[string]int64 `json:"clients"`    // apps by client_id
}

// Incident is a sign-out of many devices at once.
type Incident struct {
	ID           uuid.UUID
	State        IncidentState
	Filter       IncidentFilter `gorm:"serializer:json"`
	RequireReset bool           // passwords are locked, and what was added since Filter.From ends
	Counts       IncidentCounts `gorm:"serializer:json"`
	CreatedAt    time.Time      // of the preview
	CreatedBy    string         // who asked for the preview, and who confirmed it: users of the operating system
	ConfirmedBy  string
	StartedAt    *time.Time // only devices from before this are signed out
	OverSeconds  int64      // the work is spread over so long; 0: it is not
	AfterUser    uuid.UUID  // all devices up to this one were looked at, in the order of the primary key
	AfterDevice  uuid.UUID
	LastUser     uuid.UUID // the last account that had a device signed out
	Seen         int64     // devices that were looked at
	Devices      int64     // that were signed out
	Accounts     int64     // of these
	Batches      int64
	Slowest      int64      // batch, in microseconds
	Worker       string     // the process that works on it
	WorkedUntil  *time.Time // until then no other process does
	FinishedAt   *time.Time
}

// ErrDistributed says that an act is not possible where the tables are distributed over several nodes.
var ErrDistributed = errors.New("the tables are distributed over several nodes")

// OneNode returns ErrDistributed where the tables are distributed.
func (s *Store) OneNode(ctx context.Context) error {
	citus, err := s.onCitus(ctx)
	if err == nil && citus {
		err = ErrDistributed
	}
	return err
}

// AddIncident writes a preview.
func (s *Store) AddIncident(ctx context.Context, i Incident) error {
	i.State, i.CreatedAt = IncidentPreview, dbTime(i.CreatedAt)
	return wrapErr("add incident", s.write(ctx, func(db *gorm.DB) error { return db.Create(&i).Error }))
}

// Incident finds an incident or a preview, or returns ErrNotFound.
func (s *Store) Incident(ctx context.Context, id uuid.UUID) (i Incident, err error) {
	err = s.read(ctx).Where("id = ?", id).Take(&i).Error
	return i, wrapErr("find incident", err)
}

// Incidents lists the incidents and the previews that were made after since, newest first.
func (s *Store) Incidents(ctx context.Context, since time.Time) (list []Incident, err error) {
	err = s.read(ctx).Where("state <> ? OR created_at > ?", IncidentPreview, dbTime(since)).Order("created_at DESC, id DESC").Find(&list).Error
	return list, wrapErr("list incidents", err)
}

// RunningIncident finds the incident that runs, or returns ErrNotFound.
func (s *Store) RunningIncident(ctx context.Context) (i Incident, err error) {
	err = s.read(ctx).Where("state = 'running'").Take(&i).Error // as the index has it
	return i, wrapErr("find the running incident", err)
}

// IncidentStart is the confirmation of a preview.
type IncidentStart struct {
	ID    uuid.UUID
	By    string        // who confirmed it
	Over  time.Duration // spreads the work; 0: it is not spread
	Words string        // of the operator, for the mails to the owners; see IncidentText
	At    time.Time
	Since time.Time // the preview must have been made after this
}

// StartIncident confirms a preview and returns the incident. It returns ErrNotFound when there is no such preview, or it was confirmed before
// or is too old, and ErrDuplicate while another incident runs.
func (s *Store) StartIncident(ctx context.Context, n IncidentStart) (Incident, error) {
	var rows []Incident
	err := s.tx(ctx, func(tx *gorm.DB) error {
		err := tx.Raw(`UPDATE incidents SET state = 'running', started_at = ?, confirmed_by = ?, over_seconds = ? WHERE id = ? AND state = 'preview' AND created_at > ? RETURNING *`,
			dbTime(n.At), n.By, int64(n.Over.Seconds()), n.ID, dbTime(n.Since)).Scan(&rows).Error
		if err != nil || len(rows) == 0 {
			return orRefuse(err, ErrNotFound)
		}
		return addIncidentText(tx, IncidentText{IncidentID: n.ID, Words: n.Words, At: n.At})
	})
	if err != nil {
		return Incident{}, wrapErr("start incident", err)
	}
	return rows[0], nil
}

// PauseIncident pauses an incident. A batch that has begun is committed first. It returns ErrNotFound unless the incident runs.
func (s *Store) PauseIncident(ctx context.Context, id uuid.UUID) (Incident, error) {
	return s.changeIncident(ctx, "pause incident", "state = 'paused', worker = '', worked_until = NULL WHERE id = ? AND state = 'running'", id)
}

// ResumeIncident lets a paused incident run again. It returns ErrNotFound unless it is paused, and ErrDuplicate while another one runs.
func (s *Store) ResumeIncident(ctx context.Context, id uuid.UUID) (Incident, error) {
	return s.changeIncident(ctx, "resume incident", "state = 'running' WHERE id = ? AND state = 'paused'", id)
}

// ClaimIncident gives a running incident to a process until a time, and returns it. It returns ErrNotFound while another process has it, and when
// it does not run. A claim that is more than a minute in the future comes from a clock that was wrong, and counts for nothing.
func (s *Store) ClaimIncident(ctx context.Context, id uuid.UUID, worker string, now, until time.Time) (Incident, error) {
	return s.changeIncident(ctx, "claim incident", `worker = ?, worked_until = ? WHERE id = ? AND state = 'running'
		AND (worker = ? OR worked_until IS NULL OR worked_until <= ? OR worked_until > ?)`,
		worker, dbTime(until), id, worker, dbTime(now), dbTime(now.Add(time.Minute)))
}

// ReleaseIncident lets another process have an incident at once.
func (s *Store) ReleaseIncident(ctx context.Context, id uuid.UUID, worker string) error {
	_, err := s.changeIncident(ctx, "release incident", "worker = '', worked_until = NULL WHERE id = ? AND worker = ?", id, worker)
	return err
}

// FinishIncident ends an incident whose worker has looked at all devices. It returns ErrNotFound when it was paused or is another's by now. The row
// names no account any more.
func (s *Store) FinishIncident(ctx context.Context, id uuid.UUID, worker string, after DeviceKey, slowest time.Duration, at time.Time) (Incident, error) {
	return s.changeIncident(ctx, "finish incident", `state = 'done', finished_at = ?, slowest = ?, worker = '', worked_until = NULL, after_user = ?, after_device = ?, last_user = ?
		WHERE id = ? AND state = 'running' AND worker = ? AND after_user = ? AND after_device = ?`,
		dbTime(at), slowest.Microseconds(), uuid.Nil, uuid.Nil, uuid.Nil, id, worker, after.UserID, after.ID)
}

// changeIncident runs one conditional update and returns the row, or ErrNotFound when no row met the condition.
func (s *Store) changeIncident(ctx context.Context, attempted, change string, args ...any) (Incident, error) {
	var rows []Incident
	err := s.write(ctx, func(db *gorm.DB) error {
		return db.Raw("UPDATE incidents SET "+change+" RETURNING *", args...).Scan(&rows).Error
	})
	if err != nil || len(rows) == 0 {
		return Incident{}, wrapErr(attempted, orRefuse(err, ErrNotFound))
	}
	return rows[0], nil
}

// IncidentDevices lists up to limit devices of all accounts behind the given one, in the order of the primary key, live or not. Of a device it reads
// what a filter and a preview need.
func (s *Store) IncidentDevices(ctx context.Context, after DeviceKey, limit int) (list []Device, err error) {
	err = s.read(ctx).Select("user_id, id, kind, client_id, created_at, created_ip, last_seen_at, expires_at, jkt, revoked_at, signed_in_by").
		Where("(user_id, id) > (?, ?)", after.UserID, after.ID).Order("user_id, id").Limit(limit).Find(&list).Error
	return list, wrapErr("list devices", err)
}

// IncidentReturn is what became of the accounts of an incident.
type IncidentReturn struct {
	Devices, Accounts int64 // that signed in since its start
}

// IncidentReturn counts the sign-ins since the start of an incident, of the accounts that it signed out or locked. It reads all devices. An account
// is the incident's by its event, whose id must be of the time of the start.
func (s *Store) IncidentReturn(ctx context.Context, i Incident) (r IncidentReturn, err error) {
	if i.StartedAt == nil {
		return r, nil
	}
	first, last := NewID(*i.StartedAt), NewID(*i.StartedAt)
	for at := 6; at < len(first); at++ {
		first[at], last[at] = 0, 0xff
	}
	err = s.read(ctx).Raw(`SELECT count(*) AS devices, count(DISTINCT user_id) AS accounts FROM devices WHERE created_at > ? AND EXISTS
		(SELECT 1 FROM events WHERE events.user_id = devices.user_id AND events.kind = ? AND events.id BETWEEN ? AND ?)`,
		dbTime(*i.StartedAt), EventIncident, first, last).Scan(&r).Error
	return r, wrapErr("count returning devices", err)
}
