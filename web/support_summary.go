package web

import (
	"fmt"
	"strings"
	"time"

	"latchkey/auth/device"
	"latchkey/auth/support"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/catalog"
)

// summaryFacts say in plain words what support wants to know of a person first.
func summaryFacts(p support.Account, where places, at personURL) []views.SummaryFact {
	return []views.SummaryFact{
		{Label: "Signed in", Text: liveDevices(p.Person.Devices)},
		lastSignIn(p.Summary, where),
		lastFailed(p.Summary.LastFailed, where),
		warningsFact(p.Summary.Warnings, at),
		accountFact(p.Person),
		passwordFact(p.Person),
		{Label: "Second step", Text: secondStepText(p.Summary)},
		trustedFact(p.Summary.TrustedBrowsers),
		addressFact(p.Summary.Address),
		pendingFact(p.Summary.EmailAsked),
		{Label: "Language", Text: languageName(p.Person.Language)},
	}
}

func liveDevices(n int64) string {
	if n == 0 {
		return "Not signed in anywhere"
	}
	return "On " + counted(n, "device")
}

// counted is English: "1 device", "3 devices".
func counted(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func lastSignIn(sum support.Summary, where places) views.SummaryFact {
	fact := eventFact("Last sign-in", sum.LastSignIn, where)
	if sum.LastSignIn != nil {
		fact.Name = sum.LastSignIn.DeviceName
		if method := signInWord(catalog.Printer{}, sum.LastMethod); method != "" {
			fact.After = " " + method
		}
	}
	return fact
}

func lastFailed(e *models.Event, where places) views.SummaryFact {
	return eventFact("Last failed sign-in", e, where)
}

// eventFact tells when and from where something happened last.
func eventFact(label string, e *models.Event, where places) views.SummaryFact {
	if e == nil {
		return views.SummaryFact{Label: label, Text: "None on record"}
	}
	return views.SummaryFact{Label: label, Since: e.At, Told: true, Address: e.IP, Place: where.at(e.IP, e.At)}
}

func trustedFact(n int) views.SummaryFact {
	fact := views.SummaryFact{Label: "Trusted browsers", Text: "None"}
	if n > 0 {
		fact.Text = fmt.Sprint(n)
	}
	return fact
}

func pendingFact(asked time.Time) views.SummaryFact {
	fact := views.SummaryFact{Label: "Pending change of e-mail address", Text: "No"}
	if !asked.IsZero() {
		fact.Text, fact.Since = "Yes, since", asked
	}
	return fact
}

func warningsFact(n int64, at personURL) views.SummaryFact {
	fact := views.SummaryFact{Label: fmt.Sprintf("Warnings in the last %d days", support.WarningDays), Text: "None", Alarm: n > 0}
	switch {
	case n >= support.MostWarnings:
		fact.Text = fmt.Sprintf("%d or more", support.MostWarnings)
	case n > 0:
		fact.Text = fmt.Sprint(n)
	default:
		return fact
	}
	fact.URL = at.with(func(u *personURL) { u.filter, u.before = device.FilterWarnings, "" }) + "#activity"
	return fact
}

func accountFact(p models.FoundPerson) views.SummaryFact {
	switch fact := (views.SummaryFact{Label: "Account"}); {
	case p.DisabledAt != nil:
		fact.Text, fact.Since, fact.Alarm = "Disabled since", *p.DisabledAt, true
		return fact
	case p.Invited():
		fact.Text, fact.Since = "Invited", *p.InvitedAt
		return fact
	default:
		fact.Text = "Active"
		return fact
	}
}

func passwordFact(p models.FoundPerson) views.SummaryFact {
	switch fact := (views.SummaryFact{Label: "Password"}); {
	case p.LockedAt != nil:
		fact.Text, fact.Since, fact.After, fact.Alarm = "Locked since", *p.LockedAt, ", until a new password is chosen", true
		return fact
	case p.Invited():
		fact.Text = "Not chosen yet"
		return fact
	default:
		fact.Text, fact.Since = "Not locked. Last changed", p.PasswordChangedAt
		return fact
	}
}

func secondStepText(s support.Summary) string {
	var list []string
	if s.Factors.Apps > 0 && s.AppClosed {
		list = append(list, "authenticator app (paused after too many wrong codes)")
	} else if s.Factors.Apps > 0 {
		list = append(list, "authenticator app")
	}
	if s.Factors.Passkeys > 0 {
		list = append(list, counted(s.Factors.Passkeys, "passkey"))
	}
	if len(list) == 0 {
		return "None, password only"
	}
	list = append(list, counted(s.Factors.CodesLeft, "recovery code")+" left")
	text := strings.Join(list, ", ")
	return strings.ToUpper(text[:1]) + text[1:]
}

func addressFact(state support.AddressState) views.SummaryFact {
	fact := views.SummaryFact{Label: "E-mail address"}
	switch state {
	case support.AddressConfirmed:
		fact.Text = "Confirmed by mail"
	case support.AddressUnconfirmed:
		fact.Text = "Set by an administrator, not confirmed by mail"
	default:
		fact.Text = "No record of a confirmation"
	}
	return fact
}

// languageName is the language that a person chose, in its own words.
func languageName(tag string) string {
	if tag == "" {
		return "Not chosen, so the browser decides"
	}
	if p, ok := catalog.In(tag); ok {
		return p.LanguageName()
	}
	return tag
}
