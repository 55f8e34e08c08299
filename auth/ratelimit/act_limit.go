package ratelimit

import (
	"time"

	"latchkey/models"
)

// Limits on acts that involve no wrong password and send no mail that a quota counts. Each act writes an event, which is kept for 400
// days, and the transaction that writes the event refuses an act past its limit. A new password allows AfterNewPassword more acts;
// otherwise a thief could use up the limit and keep the owner from acting. It allows only a few more of the acts that cost other people
// something. Changes of password in the portal have a limit of their own. Only a password that was set by mail or by an operator allows
// more of them, so their total is bounded.
var (
	anyPassword, byMail = []models.EventKind{models.EventPasswordChanged, models.EventPasswordReset}, []models.EventKind{models.EventPasswordReset}

	RenameLimit   = models.EventLimit{Most: 20, Within: time.Hour, AfterNewPassword: 20, NewPassword: anyPassword}
	PasswordLimit = models.EventLimit{Most: 50, Within: 24 * time.Hour, AfterNewPassword: 5, NewPassword: byMail} // resets by mail are not counted
	DownloadLimit = models.EventLimit{Most: 20, Within: 24 * time.Hour, AfterNewPassword: 3, NewPassword: anyPassword}
	AddressLimit  = models.EventLimit{Most: 20, Within: 24 * time.Hour, AfterNewPassword: 2, NewPassword: anyPassword} // requests for a new address
	LanguageLimit = models.EventLimit{Most: 5, Within: 24 * time.Hour, AfterNewPassword: 2, NewPassword: anyPassword}
	// Mails with a link for a new password that a backend asked for.
	ResetSentLimit = models.EventLimit{Most: 10, Within: time.Hour}
	// Changes of an address, and closings, by a backend: each sends mails.
	BackendMailLimit = models.EventLimit{Most: 20, Within: time.Hour}
	ConfirmLimit     = models.EventLimit{Most: 60, Within: time.Hour} // confirmations of apps: only someone who can confirm can use it up
	// Forks are limited in their events only: the refresh itself succeeds.
	ForkLimit       = models.EventLimit{Most: 500, Within: 24 * time.Hour}
	DeviceForkLimit = models.EventLimit{Most: 100, Within: 24 * time.Hour, OfDevice: true}
)
