package main

import (
	"encoding/binary"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/google/uuid"

	"latchkey/auth/devicetoken"
	"latchkey/models"
)

// crowd makes up the rows of many accounts that have two devices each. A row follows from its number, so that the tokens of any device can be
// minted. Accounts come in the first half of eighty days, each with its first device; the second device of an account comes in the other half,
// in no order of the accounts, as do the events after the first: so half of what is written lands in the middle of the indexes.
type crowd struct {
	devices int // an even number
	each    int // events for each device
	sparse  int // only every so many devices have events, a known origin and an entry of the status lists
	now     time.Time
}

// span is within the default life of a device, 90 days: all rows are within retention.
const span = 80 * 24 * time.Hour

// stride has no common divisor with half of the numbers of devices here: times it, a number runs through all others.
const stride = 1_000_003

func (c crowd) accounts() int { return c.devices / 2 }
func (c crowd) others() int   { return c.devices / c.sparse } // how many entries and known origins there are
func (c crowd) events() int   { return c.others() * c.each }

// mix is SplitMix64 of a row's number and a column's.
func mix(i int, column uint64) uint64 {
	z := uint64(i)*0x9e3779b97f4a7c15 + column*0xd1342543de82ef95 + 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// id is a UUIDv7 (RFC 9562 §5.7).
func id(at time.Time, i int, column uint64) (u uuid.UUID) {
	binary.BigEndian.PutUint64(u[:8], uint64(at.UnixMilli())<<16|mix(i, column)&0x0fff|0x7000)
	binary.BigEndian.PutUint64(u[8:], mix(i, column+1)>>2|1<<63)
	return u
}

// at is when the share i of n of the span is over.
func (c crowd) at(i, n int) time.Time {
	return c.now.Add(-span + time.Duration(float64(span)*float64(i)/float64(n))).Truncate(time.Microsecond)
}

func (c crowd) user(n int) uuid.UUID      { return id(c.at(n, c.devices), n, 1) }
func (c crowd) device(i int) uuid.UUID    { return id(c.at(i, c.devices), i, 3) }
func (c crowd) secret(i int) (s [16]byte) { return id(c.now, i, 5) }
func (c crowd) email(n int) string        { return fmt.Sprintf("%04x.person%d@example.com", mix(n, 7)>>48, n) }
func (c crowd) address(i int) string {
	v := mix(i, 8)
	return fmt.Sprintf("203.%d.%d.%d", v>>8&255, v>>16&255, v>>24&255)
}
func (c crowd) name(i int) string { return models10[mix(i, 9)%5+5*uint64(2*i/c.devices)] }
func (c crowd) token(i int) devicetoken.Token { // the first of the device
	return devicetoken.Token{UserID: c.user(c.owner(i)), DeviceID: c.device(i), Generation: 1, Secret: c.secret(i)}
}

// models10 are names of first devices, then of second ones: one account's differ.
var models10 = []string{
	"iPhone 15 Pro", "Pixel 9", "Galaxy S24 Ultra", "iPhone SE", "Fairphone 5", "Firefox on Linux", "Chrome on Windows", "iPad Air", "MacBook Pro", "Living room TV",
}

const fillAgent = "Notes/4.2.1 (com.example.notes; build:1042; iOS 18.1.0) Alamofire/5.9.1"

// owner is the number of a device's account.
func (c crowd) owner(i int) int {
	if i < c.accounts() {
		return i
	}
	return (i - c.accounts()) * stride % c.accounts()
}

// revoked is when a device was revoked, every twentieth of them; the zero time: it was not.
func (c crowd) revoked(i int) (at time.Time) {
	if created := c.at(i, c.devices); mix(i, 10)%20 == 0 {
		at = created.Add(time.Duration(float64(c.now.Sub(created)) * float64(mix(i, 11)%1000) / 1000)).Truncate(time.Microsecond)
	}
	return at
}

// table is what is written into one table, in the order of time.
type table struct {
	name, columns string
	rows          iter.Seq[[]any]
}

func (c crowd) tables() []table {
	return []table{
		{"users", "id, email, email_key, password_hash, password_changed_at, role, created_at, updated_at", c.userRows},
		{"devices", "user_id, id, kind, name, name_key, client_id, user_agent, created_at, created_ip, last_seen_at, last_ip, expires_at, secret_hash, generation, base, floor, " +
			"rotated_at, status_index, revoked_at, revoked_by, revoke_reason, refresh_agent, refresh_agent_at, signed_in_by, proved_by, proved_at", c.deviceRows},
		{"status_indexes", "idx, expires_at", c.statusRows},
		{"known_places", "user_id, place, first_at, last_at", c.placeRows},
		{"events", "user_id, id, at, kind, device_id, device_name, actor, ip, user_agent, detail", c.eventRows},
	}
}

func (c crowd) userRows(yield func([]any) bool) {
	hash := "$argon2id$v=19$m=19456,t=2,p=1$" + strings.Repeat("c", 22) + "$" + strings.Repeat("a", 43)
	for n := range c.accounts() {
		at := c.at(n, c.devices)
		if !yield([]any{c.user(n), c.email(n), c.email(n), hash, at, models.RoleUser, at, at}) {
			return
		}
	}
}

func (c crowd) deviceRows(yield func([]any) bool) {
	for i := range c.devices {
		created, kind, name := c.at(i, c.devices), models.KindApp, c.name(i)
		if name == "Firefox on Linux" || name == "Chrome on Windows" {
			kind = models.KindBrowser
		}
		seen := c.now.Add(-time.Duration(mix(i, 12) % uint64(24*time.Hour))).Truncate(time.Microsecond)
		var revoked, index any
		by, reason := "", models.EndReason("")
		if at := c.revoked(i); !at.IsZero() {
			revoked, by, reason = at, models.ActorOwner, models.RevokedByOwner
		}
		if kind == models.KindApp {
			index = c.place(i)
		}
		if !yield([]any{
			c.user(c.owner(i)), c.device(i), kind, name, models.NameKey(name), "notes", fillAgent, created, c.address(i), seen, c.address(i), created.Add(90 * 24 * time.Hour),
			devicetoken.SecretHash(c.secret(i)), int64(1), int64(0), int64(1), seen, index, revoked, by, string(reason), fillAgent, seen, "password", "password", created,
		}) {
			return
		}
	}
}

// place is a device's index in the status lists, which devices fill up at random. The first list is for devices that sign in.
func (c crowd) place(i int) int64 { return 1<<20 + int64(i*stride%(c.devices+c.devices/10)) }

func (c crowd) statusRows(yield func([]any) bool) {
	for i := 0; i < c.devices; i += c.sparse {
		if !yield([]any{c.place(i), c.at(i, c.devices).Add(90 * 24 * time.Hour)}) {
			return
		}
	}
}

func (c crowd) placeRows(yield func([]any) bool) {
	for i := 0; i < c.devices; i += c.sparse {
		a, b := id(c.now, i, 13), id(c.now, i, 15)
		if !yield([]any{c.user(c.owner(i)), append(a[:], b[:]...), c.at(i, c.devices), c.now}) {
			return
		}
	}
}

// eventRows are the sign-in of each device, and then, while the second devices come, what else happened.
func (c crowd) eventRows(yield func([]any) bool) {
	kinds := []models.EventKind{models.EventConfirmed, models.EventSignInFailed, models.EventDeviceRenamed, models.EventDeviceRevoked, models.EventConfirmed}
	for i := 0; i < c.devices; i += c.sparse {
		event := func(of, n int, kind models.EventKind) bool {
			at := c.at(i, c.devices)
			return yield([]any{c.user(c.owner(of)), id(at, i*64+n, 17), at, string(kind), c.device(of), c.name(of), models.ActorOwner, c.address(of), fillAgent, ""})
		}
		if !event(i, 0, models.EventSignIn) {
			return
		}
		for n := range 2 * (c.each - 1) * (2 * i / c.devices) {
			of := (i*(2*c.each) + n) * stride % c.devices
			if !event(of, n+1, kinds[mix(i, uint64(19+n))%5]) {
				return
			}
		}
	}
}
