package views

import (
	"encoding/json"
	"maps"
	"net/url"
	"strings"
	"time"
)

// A challenge and options as they look; the ceremony itself needs real ones.
var askedPasskey = &PasskeyStart{Challenge: "c2VhbGVk", Options: `{"challenge":"AAAAAAAAAAAAAAAAAAAAAA","rpId":"localhost","userVerification":"required"}`}

// madePasskey and madeApp name the service, as the real ones do.
func (g gallery) madePasskey() *PasskeyStart {
	name, _ := json.Marshal(g.say.Brand()) // a string can be encoded
	return &PasskeyStart{Challenge: "c2VhbGVk", Options: `{"rp":{"id":"localhost","name":` + string(name) + `},"user":{"id":"AAAA","name":"leila.haddad@example.org","displayName":"leila.haddad@example.org"},` +
		`"challenge":"AAAAAAAAAAAAAAAAAAAAAA","pubKeyCredParams":[{"type":"public-key","alg":-7},{"type":"public-key","alg":-257}],` +
		`"authenticatorSelection":{"residentKey":"required","userVerification":"required"}}`}
}

func (g gallery) madeApp() *AppSetup {
	name := url.PathEscape(g.say.Brand())
	return &AppSetup{
		QR: "data:image/png;base64," + galleryQR, Secret: "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP", Sealed: "c2VhbGVk",
		URL: "otpauth://totp/" + name + ":leila.haddad@example.org?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=" + name,
	}
}

// The ways in which a form can ask who is there.
var (
	byPassword = Confirm{}
	byCode     = Confirm{SecondFactor: true, HasCode: true, HasApp: true, HasRecovery: true}
	byAll      = Confirm{SecondFactor: true, HasCode: true, HasApp: true, HasRecovery: true, Passkey: askedPasskey}
	byOldCode  = Confirm{SecondFactor: true, HasCode: true, HasRecovery: true, Passkey: askedPasskey}
	byPasskey  = Confirm{SecondFactor: true, Passkey: askedPasskey}
)

// doubted is what is said when that was wrong.
func (g gallery) doubted(summary string) FormProblems {
	return FormProblems{Summary: summary, Fields: map[string]string{
		"current_password": g.say.Error("That’s not your password. Try again."), "code": g.say.Error("That code is wrong or was already used. Try again."),
	}}
}

func (g gallery) secondSteps() []State {
	all := []string{"passkey", "totp", "recovery_code"}
	step := func(name string, p SecondStepPage) State {
		p.Shell, p.Challenge = g.out(g.say.StepTitle()), "cHVibGlj"
		return State{"second step/" + name, SecondStep(p)}
	}
	passkey := *askedPasskey
	passkey.Challenge = ""
	wrong := FormProblems{Summary: g.say.StepTries(3), Fields: map[string]string{"code": g.say.Error("That code is wrong or was already used. Try again.")}}
	last := FormProblems{Summary: g.say.StepTries(1), Fields: map[string]string{"code": g.say.Error("That code is wrong or was already used. Try again.")}}
	return []State{
		step("passkey", SecondStepPage{Method: "passkey", Methods: all, Passkey: &passkey, CanTrust: true, Next: "/activity?kind=sign-ins"}),
		step("passkey only", SecondStepPage{Method: "passkey", Methods: all[:1], Passkey: &passkey}),
		step("passkey refused", SecondStepPage{Method: "passkey", Methods: all, Passkey: &passkey, CanTrust: true, Problems: FormProblems{
			Summary: g.say.StepTries(3), Fields: map[string]string{"passkey": g.say.Error("This passkey wasn’t accepted. It may have been removed, or it belongs to another account.")}}}),
		step("code", SecondStepPage{Method: "totp", Methods: all[1:], CanTrust: true}),
		step("code wrong", SecondStepPage{Method: "totp", Methods: all, CanTrust: true, Problems: wrong}),
		step("code wrong, last attempt", SecondStepPage{Method: "totp", Methods: all[1:], Problems: last}),
		step("recovery code", SecondStepPage{Method: "recovery_code", Methods: all, CanTrust: true}),
		step("recovery code wrong", SecondStepPage{Method: "recovery_code", Methods: all[1:], Problems: wrong}),
		step("app closed", SecondStepPage{Method: "totp", Methods: all[1:], Closed: true}),
		step("ended", SecondStepPage{Ended: true, Next: "/activity"}),
	}
}

func (g gallery) factors() []State {
	overview := func(name string, p SecurityPage) State {
		p.Shell, p.Now = g.in(g.say.SecurityTitle(), "security"), g.now
		return State{"security/" + name, Security(p)}
	}
	changed := g.ago(40 * day24)
	states := []State{
		overview("off", SecurityPage{PasswordChanged: changed, Mail: true}),
		overview("new", SecurityPage{}),
		overview("on", SecurityPage{PasswordChanged: changed, SecondStep: true, Passkeys: []string{"Pixel 9", "blue key"}, App: true, AppSince: g.ago(12 * day24), CodesLeft: 9, Browsers: 1, Mail: true}),
		overview("needs care", SecurityPage{PasswordChanged: changed, SecondStep: true, App: true, AppClosed: true, CodesLeft: 3, Browsers: 4, WaysBack: 2, Mail: true}),
		overview("address pending", SecurityPage{PasswordChanged: changed, Mail: true, Pending: &PendingEmail{Email: "leila@new.example.net", Until: g.now.Add(23*time.Hour + 30*time.Minute)}}),
		overview("address pending hostile", SecurityPage{PasswordChanged: changed, Mail: true, Pending: &PendingEmail{Email: longWord + hostile, Until: g.now.Add(40 * time.Second)}}),
		overview("no codes left", SecurityPage{PasswordChanged: changed, SecondStep: true, Passkeys: []string{hostile, longWord, rightToLeft, breakout, emoji}}),
	}
	for _, part := range [][]State{g.passwordPages(), g.passkeyPages(), g.appPages(), g.codePages(), g.browserPages(), g.setupPages()} {
		states = append(states, part...)
	}
	return states
}

func (g gallery) passwordPages() []State {
	password := func(name string, p PasswordPage) State {
		p.Shell, p.PasswordMin = g.in(g.say.ChangePasswordTitle(), "security"), 12
		return State{"password/" + name, PasswordChange(p)}
	}
	address := func(name string, p EmailPage) State {
		p.Shell = g.in(g.say.ChangeEmailTitle(), "security")
		p.Confirm.PasswordField = "password"
		return State{"email/" + name, EmailChange(p)}
	}
	ways := func(name string, p WaysBackPage) State {
		p.Shell = g.in(g.say.FormerTitle(), "security")
		return State{"ways back/" + name, WaysBack(p)}
	}
	wrong := g.doubted(g.say.ChangePasswordRefused())
	wrong.Fields["new_password"] = g.say.Error("Use at least 12 characters.")
	byPasswordAlone := FormProblems{Summary: g.say.TextTwo(g.say.ChangePasswordRefused(), g.say.FormPasswordsAgain()), Fields: maps.Clone(wrong.Fields)}
	delete(byPasswordAlone.Fields, "code")
	asked := FormProblems{Summary: g.say.ChangeEmailRefused(), Fields: map[string]string{
		"email": g.say.Error("This is already your e-mail address."), "password": g.say.Error("That’s not your password. Try again."),
	}}
	stale := FormProblems{Summary: g.say.DataRefused(), Fields: map[string]string{"passkey": g.say.Error("This page was open too long or was submitted twice. Try the passkey again.")}}
	noPasskey := byPasskey
	noPasskey.Problems = FormProblems{Summary: g.say.ChangePasswordRefused(), Fields: map[string]string{"passkey": g.say.Error("This passkey wasn’t accepted. It may have been removed, or it belongs to another account.")}}
	return []State{
		password("empty", PasswordPage{}), password("refused", PasswordPage{Problems: byPasswordAlone}),
		password("with a code", PasswordPage{Confirm: byCode}), password("with everything", PasswordPage{Confirm: byAll}), password("with a recovery code", PasswordPage{Confirm: byOldCode}),
		password("with everything refused", PasswordPage{Confirm: byAll, Problems: wrong}),
		password("with a passkey only", PasswordPage{Confirm: byPasskey}), password("with a passkey only refused", PasswordPage{Confirm: noPasskey}),
		address("change", EmailPage{Mail: true}), address("change no mail", EmailPage{}),
		address("change refused", EmailPage{Mail: true, Email: hostile, Problems: asked}),
		address("change with everything", EmailPage{Mail: true, Confirm: byAll}),
		address("change with everything refused", EmailPage{Mail: true, Confirm: byAll, Email: "leila@new.example.net", Problems: asked}),
		ways("none", WaysBackPage{}),
		ways("older", WaysBackPage{WaysBack: []WayBack{{"leila@old.example.org", g.now.Add(50 * time.Hour)}, {hostile, g.now.Add(6 * day24)}}}),
		ways("to end", WaysBackPage{CanEnd: true, WaysBack: []WayBack{{longWord + "@example.org", g.now.Add(6 * day24)}}}),
		ways("to end with everything", WaysBackPage{CanEnd: true, Confirm: byAll, WaysBack: []WayBack{{"leila@new.example.net", g.now.Add(6 * day24)}}}),
		ways("to end refused", WaysBackPage{CanEnd: true, Confirm: byAll, Problems: g.doubted(g.say.FormerRefused()), WaysBack: []WayBack{{"leila@new.example.net", g.now.Add(6 * day24)}}}),
		{"security/data with everything", AccountData(AccountDataPage{Shell: g.in(g.say.DataTitle(), "security"), Confirm: byAll})},
		{"security/data with everything refused", AccountData(AccountDataPage{Shell: g.in(g.say.DataTitle(), "security"), Confirm: byAll, Problems: stale})},
		{"security/delete with everything", AccountDelete(AccountDeletePage{Shell: g.in(g.say.DeleteTitle(), "security"), Confirm: byAll, Bound: Bound{Most: g.say.DurationMinutes(15)}})},
		{"security/delete with everything refused", AccountDelete(AccountDeletePage{
			Shell: g.in(g.say.DeleteTitle(), "security"), Confirm: byAll, Bound: Bound{Most: g.say.DurationMinutes(15)}, Email: "leila.haddad@example.org", Problems: g.doubted(g.say.DeleteRefused())})},
		{"password/of your own with everything", ChoosePassword(ChoosePasswordPage{Shell: g.in(g.say.OwnPasswordTitle(), ""), PasswordMin: 12, Confirm: byAll, Problems: wrong})},
	}
}

func (g gallery) passkeyPages() []State {
	page := func(name string, p PasskeysPage) State {
		p.Shell, p.Now, p.Most = g.in(g.say.PasskeysTitle(), "security"), g.now, 20
		return State{"passkeys/" + name, Passkeys(p)}
	}
	rename := func(name string, p PasskeyRenamePage) State {
		p.Shell, p.Action = g.in(g.say.RenamePasskeyTitle(), "security"), "/security/passkeys/k1/rename"
		return State{"rename/" + name, PasskeyRename(p)}
	}
	remove := func(name string, p FactorRemovePage) State {
		p.Shell = g.in(g.say.RemoveFactorTitlePasskey(), "security")
		p.Action = "/security/passkeys/k1/remove"
		if p.App {
			p.Action, p.Title = "/security/app/remove", g.say.RemoveFactorTitleApp()
		}
		return State{"remove/" + name, FactorRemove(p)}
	}
	keys := []Passkey{
		{ID: "k1", Name: "Pixel 9", Synced: true, AddedAt: g.ago(60 * day24), UsedAt: g.ago(5 * time.Minute)}, {ID: "k2", Name: "blue key", AddedAt: g.ago(2 * time.Hour)},
		{ID: "k3", Name: hostile, AddedAt: g.ago(90 * day24), UsedAt: g.ago(30 * day24)}, {ID: "k4", Name: longWord, Synced: true, AddedAt: g.ago(9 * day24)},
		{ID: "k5", Name: breakout, AddedAt: g.ago(400 * day24)},
	}
	misnamed := g.doubted(g.say.RenamePasskeyRefused())
	misnamed.Fields["name"] = g.say.Error("Enter at most 64 characters.")
	wrong := g.doubted(g.say.PasskeysRefused())
	wrong.Fields["name"], wrong.Fields["new_passkey"] = g.say.Error("Enter at most 64 characters."), g.say.Error("The passkey couldn’t be added.")
	return []State{
		page("none", PasskeysPage{Add: g.madePasskey(), Confirm: byPassword}), page("some", PasskeysPage{Passkeys: keys[:2], Add: g.madePasskey(), Confirm: byAll}),
		page("hostile", PasskeysPage{Passkeys: keys, Add: g.madePasskey(), Confirm: byPasskey}), page("full", PasskeysPage{Passkeys: keys[:3]}),
		page("refused", PasskeysPage{Passkeys: keys[:2], Add: g.madePasskey(), Confirm: byAll, Name: hostile, Problems: wrong}),
		rename("a passkey", PasskeyRenamePage{Name: "Pixel 9", Typed: "Pixel 9", Confirm: byAll}), rename("a passkey by a passkey", PasskeyRenamePage{Name: longWord, Typed: longWord, Confirm: byPasskey}),
		rename("refused", PasskeyRenamePage{Name: hostile, Typed: breakout, Confirm: byAll, Problems: misnamed}),
		remove("a passkey", FactorRemovePage{Name: "Pixel 9", Confirm: byAll}), remove("the last passkey", FactorRemovePage{Name: "Pixel 9", Last: true, Confirm: byPasskey}),
		remove("a passkey hostile", FactorRemovePage{Name: hostile, Confirm: byAll, Problems: g.doubted(g.say.RemoveFactorRefusedPasskey())}),
		remove("the app", FactorRemovePage{App: true, Confirm: byAll}), remove("the app, the last", FactorRemovePage{App: true, Last: true, Confirm: byCode}),
		remove("the last, required", FactorRemovePage{App: true, Last: true, Refused: true}),
	}
}

func (g gallery) appPages() []State {
	page := func(name string, p AppPage) State {
		p.Shell, p.Now = g.in(g.say.AppTitle(), "security"), g.now
		return State{"app/" + name, AuthenticatorApp(p)}
	}
	wrong := g.doubted(g.say.AppRefused())
	delete(wrong.Fields, "code")
	wrong.Fields["app_code"] = g.say.Error("That isn’t the code the app shows now. Wait for the next code and enter it. If that doesn’t work either, check that the clock on your phone is right.")
	return []State{
		page("set up", AppPage{Setup: g.madeApp(), Confirm: byPassword}), page("set up refused", AppPage{Setup: g.madeApp(), Confirm: byPassword, Problems: wrong}),
		page("set up with a passkey", AppPage{Setup: g.madeApp(), Confirm: byPasskey}),
		page("on", AppPage{Since: g.ago(12 * day24), UsedAt: g.ago(5 * time.Hour)}), page("on, never used", AppPage{Since: g.ago(time.Hour)}),
		page("closed", AppPage{Since: g.ago(12 * day24), UsedAt: g.ago(30 * time.Hour), Closed: true}),
	}
}

func (g gallery) codePages() []State {
	page := func(name string, p CodesPage) State {
		p.Shell, p.Now = g.in(g.say.CodesTitle(), "security"), g.now
		return State{"codes/" + name, Codes(p)}
	}
	fresh := strings.Fields("7QK4-ZD2M-9XWF-H3TP-VB8R-C6NY 2MZX-4KQD-W9FJ-T8PV-3HRB-N6YC Q4D7-2ZKM-F9XW-P3H8-VTRB-Y6CN 9FXW-M2ZK-D74Q-R8BV-TP3H-CN6Y K2QD-ZM47-XW9F-B8RT-VPH3-6YNC " +
		"WWMW-MMWW-QGWM-8WMQ-WGM8-MWWW 4T7H-9KZC-EJ5S-0V2X-GB1P-DN6R R6ND-P1BG-X2V0-S5JE-CZK9-H7T4 0S5J-E1CZ-K9H7-T4R6-NDP8-BGX2 XV20-3SJE-5CZK-1H7T-9R6N-PDBG")
	return []State{
		page("off", CodesPage{}), page("many", CodesPage{SecondStep: true, Left: 9, MadeAt: g.ago(12 * day24), Confirm: byAll}),
		page("few", CodesPage{SecondStep: true, Left: 3, MadeAt: g.ago(40 * day24), Confirm: byCode}), page("none", CodesPage{SecondStep: true, Confirm: byPasskey}),
		page("refused", CodesPage{SecondStep: true, Left: 1, MadeAt: g.ago(40 * day24), Confirm: byAll, Problems: g.doubted(g.say.CodesRefused())}),
		{"codes/shown", RecoveryCodes(RecoveryCodesPage{Shell: g.in(g.say.CodesTitle(), "security"), Codes: fresh, MadeAt: g.now})},
		{"codes/shown instead of old ones", RecoveryCodes(RecoveryCodesPage{Shell: g.in(g.say.CodesTitle(), "security"), Codes: fresh, MadeAt: g.now, Replaced: true, Next: "/support"})},
	}
}

func (g gallery) browserPages() []State {
	page := func(name string, list ...TrustedBrowser) State {
		return State{"trusted/" + name, TrustedBrowsers(TrustedBrowsersPage{Shell: g.in(g.say.TrustedTitle(), "security"), Now: g.now, Browsers: list})}
	}
	here := TrustedBrowser{ID: "t1", Name: "Firefox on Linux", Current: true, AddedAt: g.ago(3 * day24), Address: "203.0.113.7", UsedAt: g.ago(time.Hour), ExpiresAt: g.now.Add(27 * day24)}
	fresh := TrustedBrowser{ID: "t2", Name: "Chrome on Windows", AddedAt: g.ago(time.Minute), ExpiresAt: g.now.Add(30 * day24)}
	evil := TrustedBrowser{ID: "t3", Name: hostile, AddedAt: g.ago(29 * day24), Address: "2001:0db8:85a3:0000:0000:8a2e:0370:7334", UsedAt: g.ago(9 * day24), ExpiresAt: g.now.Add(3 * time.Hour)}
	return []State{page("none"), page("one", here), page("some", here, fresh, evil)}
}

func (g gallery) setupPages() []State {
	page := func(name string, p SetupPage) State {
		p.Shell = g.in(g.say.SetupTitle(), "security")
		return State{"setup/" + name, Setup(p)}
	}
	secure := func(name string, p SecurePage) State {
		p.Shell = g.in(g.say.SecureTitle(), "security")
		return State{"secure/" + name, Secure(p)}
	}
	noCode := FormProblems{Summary: g.say.AppRefused(), Fields: map[string]string{
		"enrol_code": g.say.Error("This is required."),
		"app_code":   g.say.Error("That isn’t the code the app shows now. Wait for the next code and enter it. If that doesn’t work either, check that the clock on your phone is right."),
	}}
	return []State{
		page("chosen", SetupPage{Add: g.madePasskey(), Confirm: &byPassword}), page("required", SetupPage{Required: true, Add: g.madePasskey(), Next: "/activity"}),
		page("staff", SetupPage{Required: true, Staff: true, NeedsCode: true, Mailed: true, Add: g.madePasskey(), Next: "/support"}),
		page("staff, no mail", SetupPage{Required: true, Staff: true, NeedsCode: true, App: g.madeApp()}),
		page("staff, code by mail", SetupPage{Required: true, Staff: true, NeedsCode: true, CanMail: true, Add: g.madePasskey(), Next: "/support"}),
		page("staff, code mailed", SetupPage{Required: true, Staff: true, NeedsCode: true, CanMail: true, Mailed: true, App: g.madeApp(), Next: "/support"}),
		page("app", SetupPage{App: g.madeApp(), Confirm: &byPassword}),
		page("refused", SetupPage{Required: true, Staff: true, NeedsCode: true, Mailed: true, Enrol: hostile, App: g.madeApp(), Problems: noCode}),
		page("codes", SetupPage{Required: true, Codes: true}), page("codes, confirmed once more", SetupPage{Codes: true, Confirm: &Confirm{SecondFactor: true, HasCode: true, HasApp: true, Passkey: askedPasskey}}),
		secure("begin", SecurePage{Others: 3}), secure("alone", SecurePage{DevicesDone: true}),
		secure("half done", SecurePage{DevicesDone: true, PasswordDone: true}), secure("done", SecurePage{DevicesDone: true, PasswordDone: true, SecondStep: true}),
	}
}

// galleryQR looks like a QR code, and says nothing.
const galleryQR = "iVBORw0KGgoAAAANSUhEUgAAACUAAAAlAQAAAADt5R2uAAAAsklEQVR42mP4DwQ/GDDJDwJ+ByoYvl/Kj69g+BJbGQgkg1lAZADjRaD43Yr7FQwfxB4A1fz/LA1U/03QvOUHw+/l9/b+YPghu+XED4YvecqWQJXBChoVDN+C3nH8YPjD7ugAFHm6D2R+zS8doF6RksgfDB+jL7D+YPguoWn/g+HXiSxhoPif1oNANeL9V4HiN2WSgPbGLeUBkjEXRIAmR3abAM25ES8EdIOQ3YoKBhy+AACZMX1xG4BnBgAAAABJRU5ErkJggg=="
