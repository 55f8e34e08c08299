package web

import (
	"fmt"
	"strconv"
	"strings"

	"latchkey/auth"
	"latchkey/auth/account"
	"latchkey/auth/passwordcheck"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/views"
)

// eventTexts has the text of each of models.EventKinds that is not in eventSentences yet, with a %s for the device's name and, of a rename, a second one for the new
// name. In the support staff's own acts the %s stands for what they looked for.
var eventTexts = map[models.EventKind]func(models.Event) string{
	models.EventInvited: always("An administrator mailed you a link to choose your first password."),
	models.EventSignInFailed: withDetail(passwordcheck.LockedDetail,
		"A sign-in with the right password was refused, because your password is locked.",
		"A sign-in with a wrong password failed."),
	models.EventPasswordFailed: always("A wrong password was given where your password was asked for again."),
	models.EventSignOut: withDetail(string(models.RevokedByReplace),
		"“%s” was signed out by a new sign-in in the same browser.",
		"“%s” signed out."),
	models.EventDevicesRevoked: byActor(models.ActorOperator,
		"An administrator signed out all your devices.",
		"You signed out all other devices."),
	models.EventDeviceReused: func(e models.Event) string {
		return views.CopiedText(copiedSignIn(e.Reuse))
	},
	models.EventDeviceForked: withDetail(token.ForkWarnDetail,
		"“%s” lost the answer to its renewal several times. If its connection is good, sign it out and in again.",
		"“%s” lost the answer to a renewal and asked again."),
	models.EventDeviceRestored:  always("“%s” was signed in by a token newer than our records, after a restore of the database."),
	models.EventPasswordChanged: always("You changed your password. All other devices were signed out."),
	models.EventPasswordReset: func(e models.Event) string {
		switch {
		case e.Detail == account.FirstPasswordDetail:
			return "You chose your first password by the link in the invitation."
		case e.Actor == models.ActorOwner:
			return "You chose a new password by the link in a mail. All devices were signed out."
		}
		return "An administrator set a new password. All devices were signed out."
	},
	models.EventRoleChanged: always("An administrator changed what your account may do."),
	models.EventDisabled:    always("An administrator disabled your account. All devices were signed out."),
	models.EventEnabled:     always("An administrator enabled your account again."),
	models.EventSupportSearched: withDetail("",
		"You searched for an account that was deleted since, as support.",
		"You searched for “%s” as support."),
	models.EventSupportLooked: withDetail("",
		"You looked at the devices and activity of an account that was deleted since, as support.",
		"You looked at the devices and activity of account %s as support."),
	models.EventSeenBySupport: always("Support looked at your devices and activity."),
	models.EventLocked:        lockedText,
	models.EventEmailAsked:    always("You asked for another e-mail address. It counts once the link in the mail to it is used."),
	models.EventEmailChanged: byActor(models.ActorOperator,
		"An administrator changed your e-mail address.",
		"Your e-mail address was changed, by the link in the mail to the new one."),
	models.EventEmailRestored: always("Your former e-mail address was restored by the link in the mail to it. " +
		"All devices were signed out and your password locked."),
	models.EventFactorAdded:   ofFactor("You added the passkey “%s”.", "You added an authenticator app.", "You added a way to sign in."),
	models.EventFactorRemoved: orFactorsGone("The passkey “%s” was removed.", "The authenticator app was removed.", "A way to sign in was removed."),
	models.EventFactorRenamed: ofFactor("You renamed a passkey to “%s”.", "You renamed your authenticator app to “%s”.", "You renamed a way to sign in to “%s”."),
	models.EventFactorClosed: always("There were 30 wrong codes in a row, so codes from your authenticator app do not work in new browsers for now. To accept them again, sign in with a passkey or a " +
		"recovery code, or with a right code in a browser that you have used before."),
	models.EventFactorsReset:      always("An administrator removed your passkeys, your authenticator app and your recovery codes."),
	models.EventRecoveryCodesMade: always("You made new recovery codes. Earlier ones do not work any more."),
	models.EventRecoveryCodeUsed:  always("A recovery code was used."),
	models.EventCodeFailed:        always("A wrong code was entered."),
	models.EventSecondStepMissed:  always("The right password was entered, but not the second step. If it was not you, change your password."),
	models.EventBrowserTrusted:    always("You trusted the browser “%s”: it signs in without the second step for 30 days."),
	models.EventBrowserUntrusted: func(e models.Event) string {
		if e.DeviceName == "" {
			return "You stopped trusting all browsers. Each asks for the second step again."
		}
		return "You stopped trusting the browser “%s”. It asks for the second step again."
	},
	models.EventConfirmed:      always("You confirmed on “%s” that it is you."),
	models.EventWaysBackEnded:  always("You ended the links that could take your account back to newer e-mail addresses."),
	models.EventDataDownloaded: always("Everything that is kept of your account was downloaded on “%s”."),
	models.EventAccountDeleted: always("Your account was deleted."),
	models.EventMailFailed:     always("A mail to you could not be delivered. Is your e-mail address right?"),
}

// copiedSignIn is how a copied sign-in was used, or nil if that is not known.
func copiedSignIn(r *models.Reuse) *views.CopiedSignIn {
	c := auth.DescribeReuse(r)
	if c == nil {
		return nil
	}
	told := views.CopiedSignIn{SignedInFrom: c.SignedInFrom, Apart: c.Apart}
	for _, u := range c.Uses {
		told.Uses = append(told.Uses, views.TokenUse(u))
	}
	return &told
}

func always(text string) func(models.Event) string {
	return func(models.Event) string { return text }
}

// withDetail is one text for the events that have this detail, and another for the others.
func withDetail(detail, text, otherwise string) func(models.Event) string {
	return func(e models.Event) string {
		if e.Detail == detail {
			return text
		}
		return otherwise
	}
}

// ofFactor is one text for a passkey, one for an authenticator app, and one for what a later release may add.
func ofFactor(passkey, app, otherwise string) func(models.Event) string {
	return func(e models.Event) string {
		switch models.FactorKind(e.Detail) {
		case models.FactorPasskey:
			return passkey
		case models.FactorTOTP:
			return app
		default:
			return otherwise
		}
	}
}

// orFactorsGone is ofFactor for an event that may stand for several factors, which an act removed beside what it is for.
func orFactorsGone(passkey, app, otherwise string) func(models.Event) string {
	one := ofFactor(passkey, app, otherwise)
	return func(e models.Event) string {
		if text := removedFactors(e.Detail); text != "" {
			return strings.TrimSuffix(text, ".") + ", because they may have been a thief’s."
		}
		return one(e)
	}
}

// byActor is one text for what this actor did, and another for what others did.
func byActor(actor, text, otherwise string) func(models.Event) string {
	return func(e models.Event) string {
		if e.Actor == actor {
			return text
		}
		return otherwise
	}
}

// eventText is the text of an event, whose kind may come from a later release.
func eventText(e models.Event) string {
	if e.More > 0 {
		return severalFailures(e)
	}
	if text, ok := eventTexts[e.Kind]; ok {
		return text(e)
	}
	return "Something else happened."
}

// severalFailures says an event that stands for several, which came after those that have one each.
func severalFailures(e models.Event) string {
	n := 1 + e.More
	switch {
	case e.Kind == models.EventCodeFailed:
		return fmt.Sprintf("%d more wrong codes were entered within an hour.", n)
	case e.Kind == models.EventPasswordFailed:
		return fmt.Sprintf("%d more wrong passwords were given within 15 minutes where your password was asked for again.", n)
	case e.Detail == passwordcheck.LockedDetail:
		return fmt.Sprintf("%d more sign-ins with the right password were refused within 15 minutes, because your password is locked.", n)
	}
	return fmt.Sprintf("%d more sign-ins with a wrong password failed within 15 minutes.", n)
}

// englishSentence says an event whose text is not in the catalogue yet, with %s in the places of names.
func englishSentence(e models.Event) (text string, names []string) {
	text, names = eventText(e), []string{e.DeviceName, e.Detail}
	if (e.Kind == models.EventSupportSearched || e.Kind == models.EventSupportLooked) && e.Detail != "" {
		names = names[1:]
	}
	return text, names[:strings.Count(text, "%s")]
}

// lockedText says what a link "This wasn't me" did. The detail is how many devices it signed out beside the one that is named. It is
// empty where that was every device, and in older events.
func lockedText(e models.Event) string {
	const end = "your password locked, by the link “This wasn’t me” in a mail."
	n, err := strconv.ParseInt(e.Detail, 10, 64)
	devices, were := fmt.Sprintf("%d devices", n), " were"
	if n == 1 {
		devices, were = "1 device", " was"
	}
	switch named := e.DeviceName != ""; {
	case named && n > 0:
		return "“%s” and " + devices + " that signed in after it were signed out and " + end
	case named:
		return "“%s” was signed out and " + end
	case err != nil:
		return "All devices were signed out and " + end
	case n == 0:
		return "Your password was locked, by the link “This wasn’t me” in a mail. The devices that it is about were signed out already."
	}
	return devices + were + " signed out and " + end
}
