package models

import (
	"slices"
	"time"
)

// EndReason says why a device ended. The words are stored in devices.revoke_reason and stand in the account-data export: they may
// be added to, never renamed.
type EndReason string

// The reasons. All of them are in EndReasons.
const (
	RevokedBySignOut   EndReason = "signed_out"       // by itself: sign-out, RFC 7009
	RevokedByOwner     EndReason = "revoked"          // by its owner, from another device
	RevokedByPassword  EndReason = "password_changed" // with a change of password by its owner
	RevokedByReplace   EndReason = "replaced"         // a new sign-in in the same browser
	RevokedByLimit     EndReason = "limit"            // the longest unseen browser made room
	RevokedByReuse     EndReason = "reused"           // its token came back after it had died: theft
	RevokedByDisable   EndReason = "disabled"         // the account was disabled
	RevokedByOperator  EndReason = "operator"         // signed out by an operator
	RevokedByExpiry    EndReason = "expired"          // past its absolute lifetime; stored only when its name was wanted again
	RevokedByIdleness  EndReason = "idle"             // unseen for too long; stored only when its name was wanted again
	RevokedByUndo      EndReason = "email_undo"       // its owner took a former address back by the link in a mail
	RevokedByNotMe     EndReason = "alarm"            // its owner answered the mail about it: "This wasn't me"
	RevokedByCode      EndReason = "code_repeated"    // its code was sent again from elsewhere before its first refresh
	RevokedForRoom     EndReason = "made_room"        // it made room for a sign-in of the same client, by itself or by its owner's choice
	RevokedByNewSignIn EndReason = "signed_in_again"  // its app signed in again on the same phone
	RevokedByIncident  EndReason = "incident"         // an operator signed many devices out at once, after a security incident

	// RevokedByPasswordSet is never stored: it is RevokedByPassword with an operator as RevokedBy.
	RevokedByPasswordSet EndReason = "password_set"
)

// EndReasons are all reasons that DeviceEnd gives for rows that this release wrote. A row that a later release wrote may have another.
var EndReasons = []EndReason{
	RevokedBySignOut, RevokedByOwner, RevokedByPassword, RevokedByPasswordSet, RevokedByReplace, RevokedByLimit, RevokedByReuse,
	RevokedByDisable, RevokedByOperator, RevokedByExpiry, RevokedByIdleness, RevokedByUndo, RevokedByNotMe, RevokedByCode, RevokedForRoom,
	RevokedByIncident, RevokedByNewSignIn,
}

// endingConsents are the reasons for which a person, the operator or a theft ended a device: its client must then ask before it gets
// another one. An app that signs itself out, and one that no one signed out, may sign in again as before.
var endingConsents = []EndReason{
	RevokedByOwner, RevokedByPassword, RevokedByReuse, RevokedByDisable, RevokedByOperator, RevokedByUndo, RevokedByNotMe,
	RevokedByIncident,
}

func (r EndReason) endsConsents() bool { return slices.Contains(endingConsents, r) }

// Ending is why and when a device ended; the zero value is that of a live device.
type Ending struct {
	Reason EndReason
	At     time.Time
}

// Live tells that the device has not ended.
func (e Ending) Live() bool { return e.At.IsZero() }

// DeviceEnd says why and when a device ended; role is its owner's. It agrees with liveCondition about which devices are live.
//
// A device that nothing revoked ended by age or by idleness, whichever came first under the given Liveness. Its row may be marked
// much later, when its name is wanted again.
func DeviceEnd(d Device, live Liveness, role string) Ending {
	now := dbTime(live.Now)
	idleAt := d.LastSeenAt.Add(now.Sub(live.seenSince(d, role)))
	natural := Ending{RevokedByExpiry, d.ExpiresAt}
	if d.RevokeReason == RevokedByIdleness || d.RevokedAt == nil && idleAt.Before(d.ExpiresAt) {
		natural = Ending{RevokedByIdleness, idleAt}
	}
	switch {
	case d.RevokedAt == nil && natural.At.After(now):
		return Ending{}
	case d.RevokedAt == nil:
		return natural
	case d.RevokeReason == RevokedByExpiry || d.RevokeReason == RevokedByIdleness:
		if d.RevokedAt.Before(natural.At) { // the limit was shorter when the row was marked
			natural.At = *d.RevokedAt
		}
		return natural
	case d.RevokeReason == RevokedByPassword && d.RevokedBy == ActorOperator:
		return Ending{RevokedByPasswordSet, *d.RevokedAt}
	}
	return Ending{d.RevokeReason, *d.RevokedAt}
}

// seenSince is the moment after which a device must have been seen to be live.
func (l Liveness) seenSince(d Device, role string) time.Time {
	switch {
	case d.Kind == KindApp:
		since := l.AppSince
		for _, c := range l.Clients {
			if c.ClientID == d.ClientID && c.Since.After(since) {
				since = c.Since
			}
		}
		return dbTime(since)
	case role == RoleSupport && l.SupportSince.After(l.BrowserSince):
		return dbTime(l.SupportSince)
	}
	return dbTime(l.BrowserSince)
}
