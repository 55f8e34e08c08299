package ratelimit

import (
	"time"

	"latchkey/models"
)

// What one account may do again and again without a wrong password or a mail that counts it. Each act writes an event, which is
// kept for 400 days, and is refused past its limit by the transaction that would write it. A new password lets the account begin
// again, or a thief could keep the owner from these acts; with a few only of those that cost others something. Changes of the password
// in the portal have a limit themselves, so all this has an end: they begin again only after a password that was set by mail or by an
// operator.
var (
	anyPassword, byMail = []models.EventKind{models.EventPasswordChanged, models.EventPasswordReset}, []models.EventKind{models.EventPasswordReset}

	RenameLimit   = models.EventLimit{Most: 20, Within: time.Hour, Afresh: 20, NewPassword: anyPassword}
	PasswordLimit = models.EventLimit{Most: 50, Within: 24 * time.Hour, Afresh: 5, NewPassword: byMail} // a reset by mail is not among these
	DownloadLimit = models.EventLimit{Most: 20, Within: 24 * time.Hour, Afresh: 3, NewPassword: anyPassword}
	AddressLimit  = models.EventLimit{Most: 20, Within: 24 * time.Hour, Afresh: 2, NewPassword: anyPassword} // addresses that are asked for
	// Of forks only the events are bounded: the refresh itself goes on.
	ForkLimit       = models.EventLimit{Most: 500, Within: 24 * time.Hour}
	DeviceForkLimit = models.EventLimit{Most: 100, Within: 24 * time.Hour, OfDevice: true}
)
