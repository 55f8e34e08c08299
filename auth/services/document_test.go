package services_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/auth/account"
	"latchkey/auth/challenge"
	"latchkey/auth/factor"
	"latchkey/auth/grant"
	"latchkey/auth/notify"
	"latchkey/auth/passwordcheck"
	"latchkey/auth/ratelimit"
	"latchkey/auth/support"
	"latchkey/models"
)

// Other tests count with the constants, so a changed constant would pass them all. Here each has to be what SECURITY.md says.
func TestTheLimitsAreThoseOfTheSecurityDocument(t *testing.T) {
	raw, err := os.ReadFile("../../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	document := regexp.MustCompile(`\s+`).ReplaceAllString(string(raw), " ")
	window := int(ratelimit.AttemptWindow / time.Minute)
	for _, l := range []struct {
		what     string
		is, want time.Duration
	}{
		{"sign-ins in a day", ratelimit.BudgetDay, 24 * time.Hour},
		{"renames", ratelimit.RenameLimit.Within, time.Hour}, {"passwords", ratelimit.PasswordLimit.Within, 24 * time.Hour},
		{"downloads", ratelimit.DownloadLimit.Within, 24 * time.Hour}, {"addresses", ratelimit.AddressLimit.Within, 24 * time.Hour},
		{"forks", ratelimit.ForkLimit.Within, 24 * time.Hour}, {"forks of a device", ratelimit.DeviceForkLimit.Within, 24 * time.Hour},
	} {
		if l.is != l.want {
			t.Errorf("the limit of %s counts %v", l.what, l.is)
		}
	}
	said := func(format string, numbers ...any) {
		t.Helper()
		if sentence := fmt.Sprintf(format, numbers...); !strings.Contains(document, sentence) {
			t.Errorf("SECURITY.md does not say: %s", sentence)
		}
	}
	said("In windows of %d minutes: %d failures of one account from one network, %d from one network, %d of one account from places that it does not know",
		window, ratelimit.MaxPairFailures, ratelimit.MaxNetFailures, ratelimit.MaxUserFailures)
	said("past %d right ones from places that the account does not know, or %[1]d from all that it knows, nothing is hashed until the window ends (a known browser has %d more of its own)",
		ratelimit.MaxConfirmations, ratelimit.MaxFallbackSignIns)
	said("On apps through a browser %d in %d minutes and %d a day more", ratelimit.MaxSignIns, window, ratelimit.MaxSignInsDay)
	said("| %d seconds, until the app's first refresh", grant.CodeLife/time.Second)
	said("| %d minutes, until a code is given for it", grant.RequestLife/time.Minute)
	said("from parameters of at most %d KiB", grant.MaxRequest>>10)
	said("A look may have a **reason**, of at most %d characters", support.MaxReason)
	said("the network of each sign-in for %d days", ratelimit.KnownFor/(24*time.Hour))
	said("All that an account knows shares %d failures in a window", ratelimit.MaxKnownFailures)
	said("and %d that succeed in %d minutes and %d in a day", ratelimit.MaxSignIns, window, ratelimit.MaxSignInsDay)
	said("beyond it a known browser has %d sign-ins a day of its own", ratelimit.MaxFallbackSignIns)
	said("One network may ask for %d accounts in a window, and have %d passwords for them judged. One mailbox gets %d mails about it",
		ratelimit.MaxSignups, ratelimit.MaxJudged, ratelimit.MaxSignupMails)
	said("one network may cause %d of the %d.", ratelimit.MaxSignupMailsByNetwork, ratelimit.MaxSignupMails)
	said("slowed to %d guesses per account and window", ratelimit.MaxUserFailures)
	said("%d events a day (%d an hour; each event counts many failures) | %d days |", 24*passwordcheck.UnknownSlots, passwordcheck.UnknownSlots, passwordcheck.KeepFailures/(24*time.Hour))
	said("%s events a day by strangers (the first %d of a window and one that counts the rest)",
		thousands(int(24*time.Hour/ratelimit.AttemptWindow)*(passwordcheck.MaxFailureEvents+1)), passwordcheck.MaxFailureEvents)
	said("Within %d minutes, %d mails to one address and %d from one network", window, ratelimit.MaxForgotten, ratelimit.MaxNetForgotten)
	said("A link to a new password takes %d tries in a window", ratelimit.MaxResetTries)
	said("Within %d minutes: %d mails to one mailbox (one account may cause %d of them), %d of one account, %d from one network",
		window, ratelimit.MaxEmailMails, ratelimit.MaxEmailMailsByAccount, ratelimit.MaxEmailAsked, ratelimit.MaxNetEmails)
	said("While %d mails that strangers asked for wait for their first try, or %s in all", account.MaxWaitingMails, thousands(account.MaxPostponedMails))
	said("shows it (%d times a day for one device, %d for one account)", ratelimit.DeviceForkLimit.Most, ratelimit.ForkLimit.Most)
	said("%d a day for each device, %d a day for the account", ratelimit.DeviceForkLimit.Most, ratelimit.ForkLimit.Most)
	said("%d an hour, all devices together, and %d more after each new password", ratelimit.RenameLimit.Most, ratelimit.RenameLimit.AfterNewPassword)
	said("| event: language changed | `events` | %d a day, and %d more after each new password", ratelimit.LanguageLimit.Most, ratelimit.LanguageLimit.AfterNewPassword)
	said("| languages chosen | `attempts` | one counter, %d in %d minutes", ratelimit.MaxLanguages, window)
	said("for %d days the account's mails also say in the former language", notify.FormerLanguageLife/(24*time.Hour))
	said("had known that network (an IPv4 address, a /64 of IPv6) for less than %d days", ratelimit.NewNetworkFor/(24*time.Hour))
	said("%d a day, and %d more after each that was set by mail or by an operator", ratelimit.PasswordLimit.Most, ratelimit.PasswordLimit.AfterNewPassword)
	said("%d a day asked for, %d in %d minutes, and %d more after each new password", ratelimit.AddressLimit.Most, ratelimit.MaxEmailAsked, window, ratelimit.AddressLimit.AfterNewPassword)
	said("event: data downloaded | `events` | %d a day, and %d more after each new password", ratelimit.DownloadLimit.Most, ratelimit.DownloadLimit.AfterNewPassword)
	said("one for each account, %d in a process", ratelimit.MaxDownloads)
	said("a mailed link to a new password** | set a password, which signs every device out, and sign in with it: the account. A factor that is 7 days old or older still stops the thief; younger ones go. The owner gets a mail about it, with the link \"This wasn’t me\" | %d minutes, once",
		notify.ResetLife/time.Minute)
	days := func(d time.Duration) time.Duration { return d / (24 * time.Hour) }
	said("%d minutes in a browser, %d in an app, %d tries, once", challenge.BrowserLife/time.Minute, challenge.AppLife/time.Minute, challenge.MaxTries)
	said("After %d wrong codes in a row it is closed", challenge.MaxWrongInRow)
	said("or after a recovery code | %d days; until its owner ends it", days(challenge.TrustLife))
	said("%d minutes by mail, %d hours from `latchkey user reset-factors`, `add` or `set-role`; %d tries, once", factor.EnrolLife/time.Minute, factor.OperatorEnrolLife/time.Hour, factor.MaxEnrolTries)
	said("%d mails in %d minutes, so %d a day", factor.MaxEnrolMails, window, factor.MaxEnrolMails*int(24*time.Hour/ratelimit.AttemptWindow))
	said("A factor that is %d days old or older still stops the thief", days(models.YoungFactor))
	said("the factors that were younger than %d days at the change", days(models.YoungFactor))
	said("unless a factor is %d days old or older", days(models.YoungFactor))
	said("met for factors older than %d days", days(models.YoungFactor))
	switch ratelimit.SlotsOfAccount {
	case 2:
		said("One account has two sign-ins under way at a time in each process (others wait for up to %d seconds)", ratelimit.NewSlots().Patience/time.Second)
	default:
		t.Errorf("%d sign-ins of one account may be under way", ratelimit.SlotsOfAccount)
	}
}

// thousands writes a number below a million as the document does.
func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}
