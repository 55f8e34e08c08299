package models

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// EventKind says what happened. The words are stored: they may be added to, never renamed.
type EventKind string

// The kinds of event. All of them are in EventKinds.
const (
	EventAccountCreated EventKind = "account_created"
	EventInvited        EventKind = "account_invited" // once more; the first invitation is part of EventAccountCreated
	EventSignIn         EventKind = "sign_in"
	EventSignInFailed   EventKind = "sign_in_failed"
	EventSignOut        EventKind = "sign_out"
	EventDeviceRevoked  EventKind = "device_revoked"
	EventDevicesRevoked EventKind = "devices_revoked"
	// EventDevicesRevokedSince names the device; its detail is SinceDone.String.
	EventDevicesRevokedSince EventKind = "devices_revoked_since"
	EventIncident            EventKind = "devices_revoked_incident" // by an operator, with those of other accounts; each counts one, see More
	EventDeviceRenamed       EventKind = "device_renamed"
	EventDeviceReused        EventKind = "device_reused"
	EventDeviceForked        EventKind = "device_forked"
	EventDeviceRestored      EventKind = "device_restored"
	EventDeviceReplaced      EventKind = "device_replaced" // the app signed in again on the same phone, and this device ended
	EventPasswordChanged     EventKind = "password_changed"
	EventPasswordFailed      EventKind = "password_failed" // a signed-in person was asked for the password and gave a wrong one
	EventPasswordReset       EventKind = "password_reset"
	EventPasswordDropped     EventKind = "password_dropped" // a weak imported one, which its owner did not use in time
	EventRoleChanged         EventKind = "role_changed"
	EventDisabled            EventKind = "account_disabled"
	EventEnabled             EventKind = "account_enabled"
	EventSupportSearched     EventKind = "support_searched" // in the searcher's activity; the detail is what was searched for
	EventSupportLooked       EventKind = "support_looked"   // in the looker's activity; the detail is the id of the account looked at
	EventSeenBySupport       EventKind = "seen_by_support"  // in the activity of the person looked at; the actor's id is the looker's
	EventLocked              EventKind = "password_locked"  // by the link "This wasn't me"
	EventMailFailed          EventKind = "mail_failed"      // a mail could not be sent; Detail is its kind
	EventDataDownloaded      EventKind = "data_downloaded"  // a copy of everything that is kept of the account
	EventAccountDeleted      EventKind = "account_deleted"  // anonymous, as all events of the account by then

	EventDetailsChanged         EventKind = "details_changed"          // a backend changed what it keeps with the account
	EventResetSent              EventKind = "password_reset_sent"      // a backend had a link for a new password mailed
	EventPasswordChangeRequired EventKind = "password_change_required" // by a backend, at the next sign-in

	EventLanguageChanged EventKind = "language_changed" // Detail is the new one's tag

	// EventInstallationShared tells that two phones take each other's place. The device is the one that has signed in, the detail the name
	// of the other.
	EventInstallationShared EventKind = "installation_shared"

	// Events of addresses name none: the activity is kept for longer than an address is anybody's business.
	EventEmailAsked     EventKind = "email_change_asked"
	EventEmailCancelled EventKind = "email_change_cancelled"
	EventEmailChanged   EventKind = "email_changed"
	EventEmailRestored  EventKind = "email_restored"  // by the link in the mail to a former address
	EventWaysBackEnded  EventKind = "ways_back_ended" // by the owner, on the page for security

	// Events of factors have the factor's kind as their detail and its name as the device's name.
	EventFactorAdded       EventKind = "factor_added"
	EventFactorRemoved     EventKind = "factor_removed"
	EventFactorRenamed     EventKind = "factor_renamed" // the name is the new one
	EventFactorClosed      EventKind = "factor_closed"  // the authenticator app, after too many wrong codes in a row
	EventFactorsReset      EventKind = "factors_reset"  // all of them, by an operator
	EventRecoveryCodesMade EventKind = "recovery_codes_made"
	EventRecoveryCodeUsed  EventKind = "recovery_code_used"
	EventCodeFailed        EventKind = "code_failed"        // a wrong code of an app or a wrong recovery code
	EventSecondStepMissed  EventKind = "second_step_missed" // the right password, and no second step
	EventBrowserTrusted    EventKind = "browser_trusted"    // the device is the browser's
	EventBrowserUntrusted  EventKind = "browser_untrusted"  // the device's name is the browser's; empty: all of them
	EventConfirmed         EventKind = "confirmed"          // the owner confirmed an act on the device, an app
)

// EventKinds are all kinds, in the order in which the documentation names them.
var EventKinds = []EventKind{
	EventAccountCreated, EventInvited, EventSignIn, EventSignInFailed, EventSignOut, EventDeviceRevoked, EventDevicesRevoked, EventDevicesRevokedSince, EventIncident,
	EventDeviceRenamed, EventDeviceReused, EventDeviceForked, EventDeviceRestored, EventDeviceReplaced, EventInstallationShared, EventPasswordChanged,
	EventPasswordFailed, EventPasswordReset, EventResetSent, EventPasswordChangeRequired, EventPasswordDropped, EventLocked, EventEmailAsked, EventEmailCancelled, EventEmailChanged, EventEmailRestored,
	EventWaysBackEnded, EventRoleChanged, EventDetailsChanged, EventDisabled, EventEnabled, EventMailFailed, EventDataDownloaded, EventLanguageChanged,
	EventFactorAdded, EventFactorRemoved, EventFactorRenamed, EventFactorClosed, EventFactorsReset, EventRecoveryCodesMade, EventRecoveryCodeUsed,
	EventCodeFailed, EventSecondStepMissed, EventBrowserTrusted, EventBrowserUntrusted, EventConfirmed,
	EventSupportSearched, EventSupportLooked, EventSeenBySupport, EventAccountDeleted,
}

// SearchSeparator stands between what was searched for and each of the filters, in the detail of EventSupportSearched.
const SearchSeparator = " · "

// Who acted.
const (
	ActorOwner    = "owner"
	ActorOperator = "operator"
	ActorSupport  = "support"
	ActorSystem   = "system"
)

// Event is one line of an account's activity. Events are added, counted where several share one, and deleted by retention.
type Event struct {
	UserID     uuid.UUID // the nil UUID where no account is concerned
	ID         uuid.UUID
	At         time.Time
	Kind       EventKind
	DeviceID   uuid.NullUUID
	DeviceName string
	Actor      string
	ActorID    uuid.NullUUID
	// ActorClient is the client through which the operator acted. Empty: the operator acted on the command line, or another did.
	ActorClient string
	IP          string
	UserAgent   string
	Detail      string
	More        int64 // that it stands for beside this one: failures in a row share an event, and looks by support
	// Reuse belongs to EventDeviceReused; nil in events of earlier releases.
	Reuse *Reuse `gorm:"serializer:json"`
	// Reason belongs to EventSupportLooked and EventSeenBySupport: why support looked, in the words of the staff member. Empty: no
	// reason was given, or it went with the account that was looked at.
	Reason string

	Limits []EventLimit `gorm:"-"` // past one of them the event is refused, and with it the act that it tells of
}

// Reuse is what was known about a device when one of its tokens turned out to be copied. Its JSON is stored.
type Reuse struct {
	SignedInIP string     `json:"signed_in_ip"`
	Uses       []TokenUse `json:"uses"` // the latest refresh, then the use of the token that was no longer good
}

// TokenUse is one use of a device token.
type TokenUse struct {
	IP        string `json:"ip"` // empty: unknown, also behind a proxy that did not tell it
	UserAgent string `json:"user_agent"`
}

// addEvent writes e inside a transaction, so that what it tells of happens only together with it. It returns a LimitError past
// one of the event's limits, and ErrStaff for the act of a client on an account that is, perhaps since a moment, one of the support staff's.
func addEvent(db *gorm.DB, e Event) error {
	if e.ActorClient != "" {
		var staff int64
		if err := db.Raw("SELECT count(*) FROM users WHERE id = ? AND role = ?", e.UserID, RoleSupport).Scan(&staff).Error; err != nil || staff > 0 {
			return orRefuse(err, ErrStaff)
		}
	}
	if err := withinLimits(db, e); err != nil {
		return err
	}
	if e.ID == uuid.Nil {
		e.ID = NewID(e.At)
	}
	e.At = dbTime(e.At)
	return db.Create(&e).Error
}

// AddEvent writes one event by itself. It returns ErrNotFound when the account does not exist any more.
func (s *Store) AddEvent(ctx context.Context, e Event) error { return s.AddEvents(ctx, e) }

// AddEvents writes several events by themselves: all of them, or none. It returns ErrNotFound when one of the accounts
// is gone (the nil UUID stands for no account and is always accepted), and a LimitError past a limit of one of the events.
func (s *Store) AddEvents(ctx context.Context, list ...Event) error {
	for i, e := range list {
		list[i].At = dbTime(e.At)
		if e.ID == uuid.Nil {
			list[i].ID = NewID(e.At)
		}
	}
	return wrapErr("add events", s.tx(ctx, func(tx *gorm.DB) error {
		var users []uuid.UUID
		for i := range list {
			list[i].place(tx)
			users = append(users, list[i].UserID)
		}
		if err := lockExistingUsers(tx, users...); err != nil {
			return err
		}
		for _, e := range list {
			if err := withinLimits(tx, e); err != nil {
				return err
			}
		}
		return tx.Create(&list).Error
	}))
}

// AddOrCount is AddEvents for acts that repeat. Where the account has an event like the new one that is newer than since, that event
// counts it (see Event.More). Two events are alike when they differ in nothing but id, time and number.
func (s *Store) AddOrCount(ctx context.Context, since time.Time, list ...Event) error {
	var users []uuid.UUID
	for _, e := range list {
		users = append(users, e.UserID)
	}
	return wrapErr("add or count events", s.tx(ctx, func(tx *gorm.DB) error {
		if err := lockExistingUsers(tx, users...); err != nil { // of two at once, the second one finds the event of the first
			return err
		}
		for _, e := range list {
			alike := tx.Model(&Event{}).Select("id").Where("user_id = ? AND kind = ? AND at > ?", e.UserID, e.Kind, dbTime(since)).
				Where("actor = ? AND ip = ? AND user_agent = ? AND detail = ? AND reason = ? AND device_name = ?", e.Actor, e.IP, e.UserAgent, e.Detail, e.Reason, e.DeviceName).
				Where("actor_id IS NOT DISTINCT FROM ? AND device_id IS NOT DISTINCT FROM ?", e.ActorID, e.DeviceID).Order("at DESC, id DESC").Limit(1)
			done := tx.Model(&Event{}).Where("user_id = ? AND id = (?)", e.UserID, alike).UpdateColumn("more", gorm.Expr("more + 1"))
			if done.Error != nil {
				return done.Error
			}
			if done.RowsAffected > 0 {
				continue
			}
			if err := addEvent(tx, e); err != nil {
				return err
			}
		}
		return nil
	}))
}

// AddFailure writes the event of a wrong password or, when there is one with its id already, counts it there. Whether the
// account exists (the nil UUID does not) makes no difference to what it costs. It returns ErrNotFound when the account was
// deleted in between.
func (s *Store) AddFailure(ctx context.Context, e Event) error {
	if e.ID == uuid.Nil {
		e.ID = NewID(e.At)
	}
	e.At = dbTime(e.At)
	return wrapErr("add failure", s.tx(ctx, func(tx *gorm.DB) error {
		e.place(tx)
		if err := lockExistingUsers(tx, e.UserID); err != nil {
			return err
		}
		return tx.Clauses(clause.OnConflict{
			Columns:   []clause.Column{{Name: "user_id"}, {Name: "id"}},
			DoUpdates: clause.Assignments(map[string]any{"more": gorm.Expr("events.more + 1")}),
		}).Create(&e).Error
	}))
}

// EventCursor is a place in the list of events; the zero value is its newest end.
type EventCursor struct {
	At time.Time
	ID uuid.UUID
}

// Events lists up to limit events of one user that are older than the cursor, newest first.
func (s *Store) Events(ctx context.Context, userID uuid.UUID, before EventCursor, limit int) ([]Event, error) {
	q := s.read(ctx).Where("user_id = ?", userID)
	if !before.At.IsZero() {
		q = q.Where("(at, id) < (?, ?)", dbTime(before.At), before.ID)
	}
	var list []Event
	err := q.Order("at DESC, id DESC").Limit(limit).Find(&list).Error
	return list, wrapErr("list events", err)
}

// EventFilter names the events of one kind or, with a detail, those of the kind with this detail.
type EventFilter struct {
	Kind   EventKind
	Detail string
}

// EventsOfKinds is Events for some kinds only. Each kind is read from its own end of the index, so that a page of rare
// events among very many others costs no more than any page.
func (s *Store) EventsOfKinds(ctx context.Context, userID uuid.UUID, kinds []EventFilter, before EventCursor, limit int) ([]Event, error) {
	return s.eventsOfKinds(ctx, userID, kinds, before, time.Time{}, limit)
}

// EventsSince lists up to limit events of some kinds that are newer than a moment, newest first.
func (s *Store) EventsSince(ctx context.Context, userID uuid.UUID, kinds []EventFilter, after time.Time, limit int) ([]Event, error) {
	return s.eventsOfKinds(ctx, userID, kinds, EventCursor{}, after, limit)
}

func (s *Store) eventsOfKinds(ctx context.Context, userID uuid.UUID, kinds []EventFilter, before EventCursor, after time.Time, limit int) ([]Event, error) {
	rows, args := rangesOfKinds("*", userID, kinds, before, after, limit)
	var list []Event
	err := s.read(ctx).Raw("SELECT * FROM ("+rows+") AS e ORDER BY at DESC, id DESC LIMIT ?", append(args, limit)...).Scan(&list).Error
	return list, wrapErr("list events", err)
}

// LatestEvents lists the newest events of each of some kinds, up to each of a kind, newest first.
func (s *Store) LatestEvents(ctx context.Context, userID uuid.UUID, kinds []EventFilter, each int) ([]Event, error) {
	rows, args := rangesOfKinds("*", userID, kinds, EventCursor{}, time.Time{}, each)
	var list []Event
	err := s.read(ctx).Raw("SELECT * FROM ("+rows+") AS e ORDER BY at DESC, id DESC", args...).Scan(&list).Error
	return list, wrapErr("list latest events", err)
}

// CountEvents counts a user's events of some kinds since a moment. It reads up to most of each kind, so a result of most or more says
// that there may be more.
func (s *Store) CountEvents(ctx context.Context, userID uuid.UUID, kinds []EventFilter, after time.Time, most int) (n int64, err error) {
	rows, args := rangesOfKinds("kind", userID, kinds, EventCursor{}, after, most)
	err = s.read(ctx).Raw("SELECT count(*) FROM ("+rows+") AS e", args...).Scan(&n).Error
	return n, wrapErr("count events", err)
}

// rangesOfKinds selects up to limit events of each kind from its own end of the index, newest first, before a cursor and after a moment.
// The zero values of both do not narrow.
func rangesOfKinds(columns string, userID uuid.UUID, kinds []EventFilter, before EventCursor, after time.Time, limit int) (rows string, args []any) {
	var branches []string
	for _, k := range kinds {
		branch := "SELECT * FROM (SELECT " + columns + " FROM events WHERE user_id = ? AND kind = ?"
		args = append(args, userID, k.Kind)
		if k.Detail != "" {
			branch, args = branch+" AND detail = ?", append(args, k.Detail)
		}
		if !before.At.IsZero() {
			branch, args = branch+" AND (at, id) < (?, ?)", append(args, dbTime(before.At), before.ID)
		}
		if !after.IsZero() {
			branch, args = branch+" AND at > ?", append(args, dbTime(after))
		}
		branches = append(branches, branch+" ORDER BY at DESC, id DESC LIMIT ?) AS k")
		args = append(args, limit)
	}
	return strings.Join(branches, " UNION ALL "), args
}
