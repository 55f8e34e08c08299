package views

import (
	"strconv"
	"strings"
	"time"

	"latchkey/views/catalog"
)

func (g gallery) links() []State {
	notMe := func(name, device string) State {
		return State{"not me/" + name, NotMe(NotMePage{Shell: g.out(g.say.NotMeTitle()), Action: "/not-me/Zm9vYmFyYmF6cXV4", Email: "l…@example.org", Device: device, At: g.now.Add(-70 * time.Minute)})}
	}
	locked := func(name string, p LockedPage) State {
		p.Shell, p.Action = g.out(g.say.LockedTitle()), "/not-me/Zm9vYmFyYmF6cXV4/password"
		return State{"locked/" + name, Locked(p)}
	}
	wrong := FormProblems{Fields: map[string]string{"email": g.say.Error("This is required."), "new_password": g.say.Error("Use at least 12 characters.")}}
	outbox := OutboxPage{Shell: g.out("E-mails")}
	for i, m := range g.mails() {
		outbox.Mails = append(outbox.Mails, OutboxMail{ID: strconv.Itoa(i), To: m.mail.To, Subject: m.mail.Subject(), Text: m.mail.Text(), At: m.mail.At})
	}
	taken := FormProblems{Summary: g.say.Error("This e-mail address now belongs to another account or is reserved for one. Nothing was changed.")}
	return []State{
		{"email/confirm", EmailConfirm(EmailConfirmPage{Action: "/email/confirm/Zm9vYmFyYmF6cXV4", Shell: g.out(g.say.EmailLinkConfirmTitle()), From: "leila.haddad@example.org", To: "leila@new.example.net"})},
		{"email/confirm signed in", EmailConfirm(EmailConfirmPage{Action: "/email/confirm/Zm9vYmFyYmF6cXV4", Shell: g.in(g.say.EmailLinkConfirmTitle(), ""), From: longWord + "@example.org", To: hostile})},
		{"email/confirm refused", EmailConfirm(EmailConfirmPage{Action: "/email/confirm/Zm9vYmFyYmF6cXV4", Shell: g.out(g.say.EmailLinkConfirmTitle()), From: "leila.haddad@example.org", To: "leila@new.example.net",
			Problems: FormProblems{Summary: g.say.EmailLinkNotChanged(), Fields: map[string]string{"password": g.say.Error("That’s not your password. Try again.")}}})},
		{"email/confirm taken", EmailConfirm(EmailConfirmPage{Action: "/email/confirm/Zm9vYmFyYmF6cXV4", Shell: g.out(g.say.EmailLinkConfirmTitle()), From: "leila.haddad@example.org", To: "leila@new.example.net", Taken: true, Problems: taken})},
		{"email/undo", EmailUndo(EmailUndoPage{Action: "/email/undo/Zm9vYmFyYmF6cXV4", Shell: g.out(g.say.EmailLinkUndoTitle()), Email: "leila.haddad@example.org"})},
		{"email/undo hostile", EmailUndo(EmailUndoPage{Action: "/email/undo/Zm9vYmFyYmF6cXV4", Shell: g.out(g.say.EmailLinkUndoTitle()), Email: hostile})},
		{"outbox/some", Outbox(outbox)}, {"outbox/empty", Outbox(OutboxPage{Shell: g.out("E-mails")})},
		{"signup/sent", SignupSent(SignupPage{Shell: g.out(g.say.SignupSentTitle()), Life: g.say.DurationHours(24)})},
		{"signup/confirm", SignupConfirm(SignupPage{Action: "/signup/confirm/Zm9vYmFyYmF6cXV4", Shell: g.out(g.say.SignupConfirmTitle()), Email: "leila.haddad@example.org"})},
		{"signup/confirm refused", SignupConfirm(SignupPage{Action: "/signup/confirm/Zm9vYmFyYmF6cXV4", Shell: g.out(g.say.SignupConfirmTitle()), Email: hostile, Problems: FormProblems{Summary: g.say.SignupNotMade(), Fields: map[string]string{"password": g.say.Error("That’s not your password. Try again.")}}})},
		{"forgot/empty", PasswordResetRequest(PasswordResetRequestPage{Shell: g.out(g.say.ForgotTitle()), Mail: true})},
		{"forgot/refused", PasswordResetRequest(PasswordResetRequestPage{Shell: g.out(g.say.ForgotTitle()), Mail: true, Email: hostile, Problems: wrong})},
		{"forgot/no mail", PasswordResetRequest(PasswordResetRequestPage{Shell: g.out(g.say.ForgotTitle())})},
		{"forgot/sent", PasswordResetSent(PasswordResetRequestPage{Shell: g.out(g.say.ForgotSentTitle()), Life: g.say.DurationMinutes(30)})},
		{"reset/empty", PasswordReset(PasswordResetPage{Action: "/reset/Zm9vYmFyYmF6cXV4", Shell: g.out(g.say.ResetTitle()), Email: "leila.haddad@example.org", PasswordMin: 12})},
		{"reset/refused", PasswordReset(PasswordResetPage{Action: "/reset/Zm9vYmFyYmF6cXV4", Shell: g.out(g.say.ResetTitle()), Email: longWord + "@example.org", PasswordMin: 12, Problems: wrong})},
		{"invite/empty", Invite(PasswordResetPage{Action: "/invite/Zm9vYmFyYmF6cXV4", Shell: g.out(g.say.InviteTitle()), Email: "leila.haddad@example.org", PasswordMin: 12})},
		{"invite/refused", Invite(PasswordResetPage{Action: "/invite/Zm9vYmFyYmF6cXV4", Shell: g.out(g.say.InviteTitle()), Email: longWord + "@example.org", PasswordMin: 12, Problems: wrong})},
		{"invite/hostile", Invite(PasswordResetPage{Action: "/invite/Zm9vYmFyYmF6cXV4", Shell: g.out(g.say.InviteTitle()), Email: hostile, PasswordMin: 12})},
		locked("by an alarm", LockedPage{Email: "l…@example.org"}), locked("by an undo", LockedPage{Email: longWord + "@example.org"}),
		locked("unknown", LockedPage{}), locked("moved", LockedPage{Moved: true}),
		locked("refused", LockedPage{Email: hostile, Problems: FormProblems{Summary: g.say.TextTwo(g.say.Error("Too many attempts."), g.say.WaitMinutes(15))}}),
		{"not me/since", NotMe(NotMePage{Shell: g.out(g.say.NotMeTitle()), Action: "/not-me/Zm9vYmFyYmF6cXV4", Since: g.now.Add(-70 * time.Minute)})},
		{"not me/passkey", NotMe(NotMePage{Shell: g.out(g.say.NotMeTitle()), Action: "/not-me/Zm9vYmFyYmF6cXV4", Email: "l…@example.org", Factor: &NotMeFactor{Name: "Pixel 9"}, At: g.now.Add(-70 * time.Minute)})},
		{"not me/passkey hostile", NotMe(NotMePage{Shell: g.out(g.say.NotMeTitle()), Action: "/not-me/Zm9vYmFyYmF6cXV4", Factor: &NotMeFactor{Name: breakout}, At: g.now.Add(-70 * time.Minute)})},
		{"not me/app", NotMe(NotMePage{Shell: g.out(g.say.NotMeTitle()), Action: "/not-me/Zm9vYmFyYmF6cXV4", Email: "l…@example.org", Factor: &NotMeFactor{App: true}, At: g.now.Add(-70 * time.Minute)})},
		{"not me/factor gone", NotMe(NotMePage{Shell: g.out(g.say.NotMeTitle()), Action: "/not-me/Zm9vYmFyYmF6cXV4", Email: "l…@example.org", Factor: &NotMeFactor{Gone: true}, At: g.now.Add(-70 * time.Minute)})},
		notMe("one device", "Pixel 9"), notMe("every device", ""), notMe("hostile", hostile), notMe("turned around", breakout),
	}
}

type galleryMail struct {
	name string
	mail Mail
}

func (g gallery) mails() []galleryMail {
	base := Mail{
		Say: g.say, Brand: g.brand,
		To: "leila.haddad@example.org", At: g.now, Address: "203.0.113.7", Agent: "Firefox on Linux", Base: "https://id.example.org",
		Link: "https://id.example.org/not-me?token=0fJxS0v5o1yTqH2m8mP0oW3bXb0dG7m5eQ4rYkq1Zs8", Until: g.now.Add(7 * 24 * time.Hour),
	}
	var list []galleryMail
	paths := map[string]string{
		"password_reset": "/reset", "account_invited": "/invite", "signup": "/signup/confirm", "email_confirm": "/email/confirm", "email_changed": "/email/undo",
	}
	add := func(name, kind string, change func(*Mail)) {
		m := base
		m.Kind = kind
		if path, ok := paths[kind]; ok {
			m.Link = strings.Replace(m.Link, "/not-me", path, 1)
		}
		if change != nil {
			change(&m)
		}
		list = append(list, galleryMail{name, m})
	}
	add("new device", "new_device", func(m *Mail) { m.Device = "Firefox on Linux" })
	add("new app", "new_device", func(m *Mail) { m.Device, m.Agent = "Pixel 9", "" })
	add("new device, hostile", "new_device", func(m *Mail) {
		m.Device, m.Agent, m.Address, m.To = hostile, override, longWord, longWord+"@example.org"
	})
	g.summaries(add)
	add("device reused", "device_reused", func(m *Mail) { m.Device, m.Copied = "Pixel 9", g.copied("") })
	add("device reused, elsewhere", "device_reused", func(m *Mail) { m.Device, m.Copied = rightToLeft, g.copied("elsewhere") })
	add("device reused, hostile", "device_reused", func(m *Mail) { m.Device, m.Copied = breakout, g.copied("from one address") })
	add("device reused, uses unknown", "device_reused", func(m *Mail) { m.Device = longWord })
	add("password changed", "password_changed", nil)
	add("password changed, factors removed", "password_changed", func(m *Mail) { m.Removed = FactorsRemoved(g.say, 2, true, true) })
	add("password set by an administrator", "password_changed", func(m *Mail) { m.Operator, m.Address, m.Agent = true, "", "" })
	add("password forgotten", "password_reset", func(m *Mail) { m.Until = g.now.Add(30 * time.Minute) })
	add("first password", "password_changed", func(m *Mail) { m.First = true })
	add("invitation", "account_invited", func(m *Mail) { m.Address, m.Agent = "", "" })
	add("sign-up", "signup", func(m *Mail) { m.Until = g.now.Add(24 * time.Hour) })
	add("sign-up with a known address", "signup_known", func(m *Mail) { m.Link = "" })
	add("signed out since", "signed_out_since", func(m *Mail) { m.Device, m.Devices = "Pixel 9", 3 })
	add("signed out since, factors removed, hostile", "signed_out_since", func(m *Mail) { m.Device, m.Devices, m.Removed = hostile, 1, FactorsRemoved(g.say, 1, true, false) })
	add("signed out since, out before", "signed_out_since", func(m *Mail) { m.Device = "Pixel 9" })
	add("signed in again", "device_replaced", func(m *Mail) { m.Device = "Pixel 9" })
	add("device made room", "device_room", func(m *Mail) { m.Device, m.Agent = "Pixel 9", "" })
	g.placeMails(add)
	g.emailMails(add)
	g.factorMails(add)
	add("account disabled", "account_disabled", func(m *Mail) { m.Link, m.Address, m.Agent = "", "", "" })
	add("account deleted", "account_deleted", func(m *Mail) { m.Link = "" })
	add("account deleted by an administrator", "account_deleted", func(m *Mail) { m.Link, m.Address, m.Agent, m.Operator = "", "", "", true })
	add("language changed since", "new_device", func(m *Mail) {
		former, _ := catalog.In(catalog.PseudoLong)
		m.Former = &former
	})
	g.incidentMails(add)
	add("test mail", "test", func(m *Mail) { m.Link, m.Address, m.Agent = "", "", "" })
	add("something new", "unheard of", func(m *Mail) { m.Link = "" })
	add("of a brand", "new_device", func(m *Mail) {
		m.Say, m.Brand, m.Device = g.say.Named(sampleName), SampleBrand(g.assets), "Pixel 9"
		m.Accents = Accents{Light: "#7a1fa2", OnLight: "#ffffff", Dark: "#daa4fa", OnDark: "#22132b"}
	})
	add("of a brand, address lost", "email_lost", func(m *Mail) {
		m.Say, m.Brand, m.Link, m.Address, m.Agent = g.say.Named(sampleName), SampleBrand(g.assets), "", "", ""
	})
	add("of a brand, hostile", "signup", func(m *Mail) {
		m.Say, m.Brand = g.say.Named(longWord), SampleBrand(g.assets)
		m.Brand.Logo = nil
	})
	return list
}

func (g gallery) emailMails(add func(name, kind string, change func(*Mail))) {
	const before, after = "leila.haddad@example.org", "leila@new.example.net"
	silent := func(m *Mail) { m.Link = "" }
	add("confirm a new address", "email_confirm", func(m *Mail) { m.To, m.Until = after, g.now.Add(24*time.Hour) })
	add("confirm a new address, hostile", "email_confirm", func(m *Mail) { m.To, m.Before, m.After = hostile, longWord+"@example.org", hostile })
	add("address taken", "email_taken", silent)
	add("address held", "email_held", silent)
	add("address changed", "email_changed", func(m *Mail) { m.After = "l…@new.example.net" })
	add("address changed again", "email_changed", func(m *Mail) { m.After, m.Again = "l…@new.example.net", true })
	add("address changed back", "email_changed", func(m *Mail) { m.Link, m.After = "", "l…@new.example.net" })
	add("address changed by an administrator", "email_changed", func(m *Mail) {
		m.Link, m.After, m.Operator, m.Address, m.Agent = "", "l…@new.example.net", true, "", ""
	})
	add("new address", "email_new", func(m *Mail) { m.To, m.Before, m.After, m.Link = after, before, after, "" })
	add("new address by an administrator", "email_new", func(m *Mail) {
		m.To, m.Before, m.After, m.Link, m.Operator, m.Address, m.Agent = after, before, after, "", true, "", ""
	})
	add("address taken back", "email_restored", silent)
	add("address lost", "email_lost", func(m *Mail) { m.To, m.Link, m.Address, m.Agent = after, "", "", "" })
}

func (g gallery) summaries(add func(name, kind string, change func(*Mail))) {
	lines := func(m *Mail, n, total int, device func(i int) string) {
		m.Device, m.Since, m.Total = device(n), g.now.Add(-time.Hour), total
		for i := range n {
			m.SignIns = append(m.SignIns, MailSignIn{Device: device(i), Agent: "Firefox on Linux", Address: "203.0.113.7", At: m.Since.Add(time.Duration(i) * time.Minute)})
		}
	}
	add("summary", "new_device", func(m *Mail) {
		lines(m, 5, 5, func(i int) string {
			return []string{"Firefox on Linux", "Pixel 9", "iPhone 15.2", "phone", "📱", "last"}[i]
		})
	})
	add("summary, hostile", "new_device", func(m *Mail) {
		lines(m, 4, 122, func(i int) string { return []string{hostile, override, longWord, rightToLeft, "x"}[i] })
	})
}

func (g gallery) factorMails(add func(name, kind string, change func(*Mail))) {
	silent := func(m *Mail) { m.Link = "" }
	app := func(m *Mail) { m.Link, m.App = "", true }
	add("passkey added", "factor_added", func(m *Mail) { m.Factor = "Pixel 9" })
	add("passkey added, hostile", "factor_added", func(m *Mail) { m.Factor, m.Agent = hostile, override })
	add("authenticator app added", "factor_added", func(m *Mail) { m.App = true })
	add("passkey removed", "factor_removed", func(m *Mail) { m.Link, m.Factor = "", rightToLeft })
	add("authenticator app removed", "factor_removed", app)
	add("passkey renamed", "factor_renamed", func(m *Mail) { m.Factor, m.NewName = "Pixel 9", "Work phone" })
	add("passkey renamed, hostile", "factor_renamed", func(m *Mail) { m.Factor, m.NewName = override, hostile })
	add("recovery codes made", "recovery_codes_made", silent)
	add("recovery code used", "recovery_code_used", func(m *Mail) { m.Link, m.CodesLeft = "", 8 })
	add("recovery code used, with a link", "recovery_code_used", func(m *Mail) { m.CodesLeft = 2 })
	add("recovery code used, few left", "recovery_code_used", func(m *Mail) { m.Link, m.CodesLeft = "", 1 })
	add("too many wrong codes", "factor_closed", app)
	add("second step missed", "second_step_missed", silent)
	add("factors reset", "factors_reset", func(m *Mail) { m.Link, m.Operator, m.Address, m.Agent = "", true, "", "" })
	add("enrolment code", "enrol_code", func(m *Mail) { m.Link, m.Code, m.Until = "", "7QK4-ZD2M", g.now.Add(30*time.Minute) })
}

// sampleWords are an operator's, about an incident.
const sampleWords = "On 28 November a file with sign-in data of our app could be read for two hours. We have closed the gap. Your documents were not affected."

func (g gallery) incidentMails(add func(name, kind string, change func(*Mail))) {
	add("incident", "incident", func(m *Mail) {
		m.Link, m.Address, m.Agent, m.Devices = "", "", "", 3
		m.Words = sampleWords
	})
	add("incident, password locked", "incident", func(m *Mail) { m.Link, m.Address, m.Agent, m.Devices, m.Locked = "", "", "", 1, true })
	add("incident, hostile", "incident", func(m *Mail) {
		m.Link, m.Address, m.Agent, m.Devices, m.Words = "", "", "", 12, strings.Repeat(longWord+" ", 5)+rightToLeft
	})
}
