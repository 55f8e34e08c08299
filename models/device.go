package models

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/schema"
)

// The kinds of device.
const (
	KindApp     = "app"
	KindBrowser = "browser"
)

// Device is one signed-in app or browser of one user. It is one row; refreshes update that row.
type Device struct {
	UserID       uuid.UUID
	ID           uuid.UUID
	Kind         string
	Name         string
	NameKey      string // NameKey(Name)
	ClientID     string
	UserAgent    string
	CreatedAt    time.Time
	CreatedIP    string
	LastSeenAt   time.Time
	LastIP       string
	ExpiresAt    time.Time
	SecretHash   []byte // SHA-256 of the device secret
	Generation   int64  // the latest issued
	Base         int64  // the generation whose use produced the acceptable ones
	Floor        int64  // the oldest living child of the base
	Repeats      int64
	RotatedAt    time.Time
	MaxRefreshes int64  // 0: no limit
	JKT          string // thumbprint of the key that the device is bound to (RFC 9449 §6.1), empty when unbound
	StatusIndex  *int64
	Seq          int64 // the place in the order in which the account got devices and factors, independent of clocks; 0: not known. AddDevice fills it in
	RevokedAt    *time.Time
	RevokedBy    string
	RevokeReason EndReason

	// RefreshAgent is the User-Agent of an app's refresh at RefreshAgentAt. See LastRefresh.
	RefreshAgent   string
	RefreshAgentAt *time.Time

	// Of an app that signed in through a browser; both are empty for other devices.
	Scope        string // that was granted (RFC 6749 §3.3), with spaces between
	ThroughAgent string // the browser's User-Agent

	SignedInBy SignInMethod // empty: by a release that did not record it
	ProvedBy   SignInMethod // how the owner was verified last: at the sign-in or at a confirmation
	ProvedAt   *time.Time   // when that was; nil: at CreatedAt, see Proved
	// FormerHash is the hash of a browser's secret before the latest confirmation. That secret still works until FormerUntil; nil: until
	// 10 s after the first use of the present one. A request with it is no fresh proof.
	FormerHash  []byte
	FormerUntil *time.Time

	// Installation is the hash of an app's installation on one phone (see NewDevice.Installation); empty: the app named none.
	Installation []byte
}

// Liveness defines which devices are live at Now: not revoked, not expired, and seen since the idle limit of their kind.
type Liveness struct {
	Now          time.Time
	AppSince     time.Time // an app not seen after this is idle
	BrowserSince time.Time
	SupportSince time.Time // a browser of a support account not seen after this is idle
	Clients      []ClientSince
}

// ClientSince makes an app of one client idle that was not seen after Since.
type ClientSince struct {
	ClientID string
	Since    time.Time
}

// liveCondition holds for a live row of devices where no client has a limit of its own. It reads the owner's role only where the role decides. For the devices of one user
// liveOfUser does the same: it names the user once more, so that the statement stays on one node where tables are distributed.
const (
	liveCondition = liveFrom + "users.id = devices.user_id" + liveTo
	liveOfUser    = liveFrom + "users.id = ?" + liveTo

	liveFrom = `revoked_at IS NULL AND expires_at > ? AND ((kind = 'app' AND last_seen_at > ?) OR (kind = 'browser' AND last_seen_at > ?
	AND (last_seen_at > ? OR (SELECT role FROM users WHERE `
	liveTo = `) <> 'support')))`
)

// condition is liveCondition with the limits of clients. Its parameters are args.
func (l Liveness) condition() string { return l.ofClients() + liveCondition }

// conditionOfUser is liveOfUser with the limits of clients. Its parameters are argsOf.
func (l Liveness) conditionOfUser() string { return l.ofClients() + liveOfUser }

func (l Liveness) ofClients() string {
	return strings.Repeat("NOT (kind = 'app' AND client_id = ? AND last_seen_at <= ?) AND ", len(l.Clients))
}

func (l Liveness) args() []any {
	return append(l.clientArgs(), dbTime(l.Now), dbTime(l.AppSince), dbTime(l.BrowserSince), dbTime(l.SupportSince))
}

// argsOf are the parameters of conditionOfUser.
func (l Liveness) argsOf(userID uuid.UUID) []any {
	return append(l.args(), userID)
}

func (l Liveness) clientArgs() (list []any) {
	for _, c := range l.Clients {
		list = append(list, c.ClientID, dbTime(c.Since))
	}
	return list
}

// over reports whether liveCondition may be false for a device that is not revoked. It does not know the owner's role.
func (l Liveness) over(d Device) bool {
	return !DeviceEnd(d, l, RoleSupport).Live() // the shorter limit: the statement that follows knows whose device it is
}

// of returns a query of the live devices of a user.
func (l Liveness) of(userID uuid.UUID, db *gorm.DB) *gorm.DB {
	return db.Where("user_id = ?", userID).Where(l.conditionOfUser(), l.argsOf(userID)...)
}

// LiveDevices lists a user's live devices, newest activity first.
func (s *Store) LiveDevices(ctx context.Context, userID uuid.UUID, live Liveness) ([]Device, error) {
	var list []Device
	err := live.of(userID, s.read(ctx)).Order("last_seen_at DESC, id DESC").Find(&list).Error
	return list, wrapErr("list devices", err)
}

// LiveDevicesOfClient lists up to limit of a user's live apps of one client, longest unseen first.
func (s *Store) LiveDevicesOfClient(ctx context.Context, userID uuid.UUID, clientID string, live Liveness, limit int) ([]Device, error) {
	var list []Device
	err := live.of(userID, s.read(ctx)).Where("kind = ? AND client_id = ?", KindApp, clientID).Order("last_seen_at, id").Limit(limit).Find(&list).Error
	return list, wrapErr("list devices", err)
}

// CountLiveApps counts a user's live apps, and those of one client among them.
func (s *Store) CountLiveApps(ctx context.Context, userID uuid.UUID, clientID string, live Liveness) (all, ofClient int, err error) {
	err = live.of(userID, s.read(ctx).Model(&Device{})).Where("kind = ?", KindApp).
		Select("count(*), count(CASE WHEN client_id = ? THEN 1 END)", clientID).Row().Scan(&all, &ofClient)
	return all, ofClient, wrapErr("count devices", err)
}

// Device finds one device of a user, live or not, or returns ErrNotFound.
func (s *Store) Device(ctx context.Context, userID, id uuid.UUID) (Device, error) {
	var d Device
	err := s.read(ctx).Where("user_id = ? AND id = ?", userID, id).Take(&d).Error
	return d, wrapErr("find device", err)
}

// Devices lists up to limit of a user's devices, live or not, oldest first. The list starts after the given id; uuid.Nil starts at
// the beginning.
func (s *Store) Devices(ctx context.Context, userID, after uuid.UUID, limit int) ([]Device, error) {
	var list []Device
	err := s.read(ctx).Where("user_id = ? AND id > ?", userID, after).Order("id").Limit(limit).Find(&list).Error
	return list, wrapErr("list devices", err)
}

// LiveDevice finds one live device of a user, or returns ErrNotFound.
func (s *Store) LiveDevice(ctx context.Context, userID, id uuid.UUID, live Liveness) (Device, error) {
	var d Device
	err := live.of(userID, s.read(ctx)).Where("id = ?", id).Take(&d).Error
	return d, wrapErr("find device", err)
}

// userColumns are the columns of users, each under the name that BrowserSession reads it by.
var userColumns = sync.OnceValue(func() string {
	users, err := schema.Parse(&User{}, &sync.Map{}, schema.NamingStrategy{})
	if err != nil {
		panic(err) // a fault of the struct, which every test would show
	}
	list := make([]string, len(users.DBNames))
	for i, name := range users.DBNames {
		list[i] = "u." + name + " AS u_" + name
	}
	return strings.Join(list, ", ")
})

// BrowserSession finds the live browser with this secret, present or former, and its owner, in one query. The first use of a secret that
// RenewBrowserSecret gave costs one write more: it limits the life of the former one. BrowserSession returns ErrNotFound when
// the browser is unknown, revoked, expired or idle, or the account is disabled. With the former secret the proof is that of the sign-in.
func (s *Store) BrowserSession(ctx context.Context, userID, id uuid.UUID, secretHash []byte, live Liveness) (Device, User, error) {
	var row struct {
		Device Device `gorm:"embedded"`
		User   User   `gorm:"embedded;embeddedPrefix:u_"`
	}
	err := s.read(ctx).Raw(`SELECT devices.*, `+userColumns()+`
		FROM devices JOIN users u ON u.id = devices.user_id AND u.disabled_at IS NULL
		WHERE user_id = ? AND devices.id = ? AND kind = 'browser' AND `+secretCondition+` AND revoked_at IS NULL AND expires_at > ? AND last_seen_at > ?
			AND (last_seen_at > ? OR u.role <> 'support')`,
		userID, id, nonNil(secretHash), nonNil(secretHash), dbTime(live.Now), dbTime(live.Now), dbTime(live.BrowserSince), dbTime(live.SupportSince)).
		Take(&row).Error
	if err == nil {
		_ = s.retireFormerSecret(ctx, row.Device, secretHash, live.Now) // after an error the next request does it
		if !bytes.Equal(row.Device.SecretHash, secretHash) {            // the former secret shows who signed in, not who confirmed since
			row.Device.ProvedBy, row.Device.ProvedAt = row.Device.SignedInBy, nil
		}
	}
	return row.Device, row.User, wrapErr("find browser", err)
}

// TouchDevice records when and where a live device was last seen. It writes nothing when the device was already seen after
// unlessAfter, so a browser that loads many pages causes few writes.
func (s *Store) TouchDevice(ctx context.Context, userID, id uuid.UUID, at, unlessAfter time.Time, ip string) error {
	return wrapErr("touch device", s.write(ctx, func(db *gorm.DB) error {
		return db.Exec(`UPDATE devices SET last_seen_at = ?, last_ip = ? WHERE user_id = ? AND id = ? AND revoked_at IS NULL AND last_seen_at <= ?`,
			dbTime(at), ip, userID, id, dbTime(unlessAfter)).Error
	}))
}
