package models

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// The queries of support. Each reads a range of an index with a limit, and reads no hash and no secret.

// DeviceFilter narrows a search. The zero value matches every device.
type DeviceFilter struct {
	Kind      string    // KindApp or KindBrowser; empty: both
	Live      string    // OnlyLive or OnlyEnded; empty: both
	SeenSince time.Time // last seen after this; zero: at any time
}

// The values of DeviceFilter.Live.
const (
	OnlyLive  = "live"
	OnlyEnded = "ended"
)

func (f DeviceFilter) empty() bool { return f.Kind == "" && f.Live == "" && f.SeenSince.IsZero() }

// where returns further conditions on devices, each with a leading " AND ".
func (f DeviceFilter) where(live Liveness) (condition string, args []any) {
	if f.Kind != "" {
		condition, args = " AND kind = ?", append(args, f.Kind)
	}
	if !f.SeenSince.IsZero() {
		condition, args = condition+" AND last_seen_at > ?", append(args, dbTime(f.SeenSince))
	}
	switch f.Live {
	case OnlyLive:
		condition, args = condition+" AND "+live.condition(), append(args, live.args()...)
	case OnlyEnded:
		condition, args = condition+" AND NOT ("+live.condition()+")", append(args, live.args()...)
	}
	return condition, args
}

// FoundDevice is a device without its secrets, its owner, and whether it has ended.
type FoundDevice struct {
	Device        Device `gorm:"embedded"`
	End           Ending `gorm:"-"`
	OwnerEmail    string
	OwnerRole     string
	OwnerDisabled *time.Time
}

// DeviceSearch asks for a page of devices.
type DeviceSearch struct {
	Filter DeviceFilter
	Live   Liveness
	Limit  int
}

// foundColumns are the columns of devices that support may see.
const foundColumns = `user_id, id, kind, name, name_key, client_id, user_agent, created_at, created_ip, last_seen_at, last_ip, expires_at, jkt,
	revoked_at, revoked_by, revoke_reason, signed_in_by, proved_by, proved_at, scope, through_agent`

// devicesOf is foundDevices for the devices of one person. It names the person twice, so that the statement stays on one node where tables are
// distributed.
func (s *Store) devicesOf(ctx context.Context, userID uuid.UUID, q DeviceSearch, order string) ([]FoundDevice, error) {
	narrowed, more := q.Filter.where(q.Live)
	narrowed = strings.ReplaceAll(narrowed, liveCondition, liveOfUser)
	if q.Filter.Live != "" {
		more = append(more, userID)
	}
	return s.readDevices(ctx, q, "user_id = ?"+narrowed, append([]any{userID}, more...), order, " AND u.id = ?", userID)
}

// foundDevices reads a range of an index of devices in the order of the index, and the owners of the devices that it returns.
func (s *Store) foundDevices(ctx context.Context, q DeviceSearch, condition string, args []any, order string) ([]FoundDevice, error) {
	narrowed, more := q.Filter.where(q.Live)
	return s.readDevices(ctx, q, condition+narrowed, append(args, more...), order, "")
}

func (s *Store) readDevices(ctx context.Context, q DeviceSearch, condition string, args []any, order, owner string, ownerArgs ...any) ([]FoundDevice, error) {
	var list []FoundDevice
	// The limit is part of the text, because PostgreSQL cannot plan for a parameter whose value it does not know.
	err := s.read(ctx).Raw(`SELECT d.*, u.email AS owner_email, u.role AS owner_role, u.disabled_at AS owner_disabled
		FROM (SELECT `+foundColumns+` FROM devices WHERE `+condition+
		" ORDER BY "+order+" LIMIT "+strconv.Itoa(q.Limit)+") d JOIN users u ON u.id = d.user_id"+owner+" ORDER BY "+order,
		append(args, ownerArgs...)...).Scan(&list).Error
	for i, d := range list {
		list[i].End = DeviceEnd(d.Device, q.Live, d.OwnerRole)
	}
	return list, wrapErr("search devices", err)
}

// NameCursor is a place in the list of devices by name; the zero value is its beginning.
type NameCursor struct {
	Key string
	ID  uuid.UUID
}

// DevicesByName lists devices by NameKey, in that order. The list starts after the cursor.
func (s *Store) DevicesByName(ctx context.Context, name KeyPrefix, after NameCursor, q DeviceSearch) ([]FoundDevice, error) {
	condition, args := name.where("name_key")
	if after.ID != uuid.Nil {
		condition, args = condition+" AND (name_key, id) > (?, ?)", append(args, after.Key, after.ID)
	}
	return s.foundDevices(ctx, q, condition, args, "name_key, id")
}

// DevicesByAddress lists the devices that signed in from an IP address, newest first. The list starts after the id before; uuid.Nil
// starts with the newest. The address where a device was last seen cannot be searched: every refresh would have to update an index
// on it.
func (s *Store) DevicesByAddress(ctx context.Context, ip string, before uuid.UUID, q DeviceSearch) ([]FoundDevice, error) {
	condition, args := "created_ip = ?", []any{ip}
	if before != uuid.Nil {
		condition, args = condition+" AND id < ?", append(args, before)
	}
	return s.foundDevices(ctx, q, condition, args, "id DESC")
}

// DevicesByID finds a device of any account.
func (s *Store) DevicesByID(ctx context.Context, id uuid.UUID, q DeviceSearch) ([]FoundDevice, error) {
	return s.foundDevices(ctx, q, "id = ?", []any{id}, "id")
}

// EndedDevices lists a person's devices that are not live, the latest to end first. It reads up to limit devices, newest first.
func (s *Store) EndedDevices(ctx context.Context, userID uuid.UUID, live Liveness, limit int) ([]FoundDevice, error) {
	list, err := s.devicesOf(ctx, userID, DeviceSearch{DeviceFilter{Live: OnlyEnded}, live, limit}, "id DESC")
	slices.SortStableFunc(list, func(a, b FoundDevice) int { return b.End.At.Compare(a.End.At) })
	return list, err
}

// RecentDevices lists up to limit of a person's live devices, newest activity first.
func (s *Store) RecentDevices(ctx context.Context, userID uuid.UUID, live Liveness, limit int) ([]FoundDevice, error) {
	return s.devicesOf(ctx, userID, DeviceSearch{DeviceFilter{Live: OnlyLive}, live, limit}, "last_seen_at DESC, id DESC")
}

// FoundPerson is an account as support sees it.
type FoundPerson struct {
	ID         uuid.UUID
	Email      string
	EmailKey   string
	Role       string
	CreatedAt  time.Time
	DisabledAt *time.Time
	EmailSince *time.Time // see User
	LockedAt   *time.Time // the password does not work until it is reset
	InvitedAt  *time.Time // see User.Invited
	Language   string     // that the owner chose; empty: none
	Devices    int64      // live ones
	// PasswordChangedAt tells with InvitedAt whether the owner has chosen a password yet.
	PasswordChangedAt time.Time
}

// Invited is User.Invited.
func (p FoundPerson) Invited() bool {
	return (&User{InvitedAt: p.InvitedAt, PasswordChangedAt: p.PasswordChangedAt}).Invited()
}

// FactorCounts are what an account signs in with beside its password.
type FactorCounts struct {
	Passkeys, Apps int64
	WrongCodes     int64 // of the authenticator app, in a row
	CodesLeft      int64 // recovery codes that were not used
}

// FactorCounts counts an account's factors. It reads no secret of them.
func (s *Store) FactorCounts(ctx context.Context, userID uuid.UUID) (c FactorCounts, err error) {
	var rows []struct {
		Kind             FactorKind
		N, Unused, Wrong int64
	}
	err = s.read(ctx).Raw(`SELECT kind, count(*) AS n, count(CASE WHEN used_at IS NULL THEN 1 END) AS unused, max(wrong) AS wrong
		FROM factors WHERE user_id = ? GROUP BY kind`, userID).Scan(&rows).Error
	for _, r := range rows {
		switch r.Kind {
		case FactorPasskey:
			c.Passkeys = r.N
		case FactorTOTP:
			c.Apps, c.WrongCodes = r.N, r.Wrong
		case FactorRecoveryCode:
			c.CodesLeft = r.Unused
		}
	}
	return c, wrapErr("count factors", err)
}

// personColumns are the columns of users that support may see.
const personColumns = `u.id, u.email, u.email_key, u.role, u.created_at, u.disabled_at, u.email_since, u.locked_at, u.invited_at, u.language, u.password_changed_at`

func (s *Store) foundPeople(ctx context.Context, q DeviceSearch, condition string, args []any) ([]FoundPerson, error) {
	all := append(q.Live.args(), args...)
	if !q.Filter.empty() {
		narrowed, more := q.Filter.where(q.Live)
		condition += " AND EXISTS (SELECT 1 FROM devices WHERE devices.user_id = u.id" + narrowed + ")"
		all = append(all, more...)
	}
	var list []FoundPerson
	err := s.read(ctx).Raw("SELECT "+personColumns+`, (SELECT count(*) FROM devices WHERE devices.user_id = u.id AND `+q.Live.condition()+`) AS devices
		FROM users u WHERE `+condition+" ORDER BY u.email_key LIMIT "+strconv.Itoa(q.Limit), all...).Scan(&list).Error
	return list, wrapErr("search people", err)
}

// PeopleByEmail lists accounts by folded address, in that order, so an address that equals the text comes first. The list starts
// after the address after. With a filter it lists only accounts that have a matching device.
func (s *Store) PeopleByEmail(ctx context.Context, email KeyPrefix, after string, q DeviceSearch) ([]FoundPerson, error) {
	condition, args := email.where("u.email_key")
	if after != "" {
		condition, args = condition+" AND u.email_key > ?", append(args, after)
	}
	return s.foundPeople(ctx, q, condition, args)
}

// PersonByID finds an account as support sees it, or returns ErrNotFound.
func (s *Store) PersonByID(ctx context.Context, id uuid.UUID, live Liveness) (FoundPerson, error) {
	var list []FoundPerson
	err := s.read(ctx).Raw("SELECT "+personColumns+`, (SELECT count(*) FROM devices WHERE devices.user_id = ? AND `+live.conditionOfUser()+`) AS devices
		FROM users u WHERE u.id = ?`, append(append([]any{id}, live.argsOf(id)...), id)...).Scan(&list).Error
	if err != nil || len(list) == 0 {
		return FoundPerson{}, wrapErr("find person", orRefuse(err, ErrNotFound))
	}
	return list[0], nil
}
