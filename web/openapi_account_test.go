package web_test

import (
	"context"
	"crypto/rand"
	"regexp"
	"slices"
	"strings"

	"latchkey/auth"
	"latchkey/auth/mail"
	"latchkey/auth/services"
	"latchkey/models"
	"latchkey/web"
)

// ofAccount tells whether an operation acts on a whole account.
func (op operation) ofAccount() bool {
	return slices.Contains(op.Tags, "account") || op.OperationId == "signOutOthers"
}

// keptMails keeps the mails that are sent, and sends them to no one.
type keptMails struct{ list []mail.Message }

func (k *keptMails) Send(_ context.Context, m mail.Message) error {
	k.list = append(k.list, m)
	return nil
}

// withKeptMails is withMail for a scene that reads mails, where the support staff need a second factor.
func withKeptMails(a *services.Config, w *web.Config) {
	withMail(a, w)
	a.Mail, a.SecondFactor = &keptMails{}, auth.FactorSupport
}

// someone is the phone of a new person, whose password is eve's.
func (p *probe) someone() (who phone, email string) {
	p.t.Helper()
	email = strings.ToLower(rand.Text()) + "@example.com"
	p.addUser(email, evePassword)
	return newPhone(p.t, p.tryLogin(email, evePassword, "phone")), email
}

// accountTargets are the acts on the account of a signed-in person.
func (p *probe) accountTargets() []target {
	p.t.Helper()
	return slices.DeleteFunc(p.targets(p.login("phone"), func(string, string) []string { return nil }), func(to target) bool {
		return !to.ofAccount() || !to.guarded()
	})
}

// act sends an act with a confirmation.
func (p *probe) act(to target, by phone, confirmation string) reply {
	p.t.Helper()
	return p.send(true, to.method, to.url, strings.ReplaceAll(to.body, noChallenge, confirmation), append(bearer(by.access), "Content-Type", jsonType)...)
}

// accountRefusals are acts on an account that are refused.
func accountRefusals(p *probe) {
	targets := p.accountTargets()
	who, _ := p.someone()
	secret := p.confirm(who, evePassword).confirmation(p.t)
	for _, to := range targets {
		headers := append(bearer(who.access), "Content-Type", jsonType)
		p.want(p.send(false, to.method, to.url, "{}", headers...), 403, "reauthentication_required")
		p.want(p.act(to, who, noChallenge), 403, "invalid_confirmation")
		if to.Responses.Codes.GetOrZero("422") != nil {
			p.want(p.send(false, to.method, to.url, `{"confirmation":"`+secret+`"}`, headers...), 422, "invalid_request")
		}
	}
	p.accountsThatAreLocked(targets)
	p.accountsThatMustDoMore(targets)
	p.accountsThatStay(targets)
	for path, invalid := range map[string]string{"/api/account": "x", "/api/account/password-reset": ""} {
		ask := func(email string) reply {
			return p.send(false, "POST", path, `{"email":"`+email+`","password":"nine lives of a cat"}`, "Content-Type", jsonType)
		}
		p.want(ask(invalid), 422, "invalid_request")
		r := ask(adaEmail)
		for n := 0; r.status == 202 && n < 25; n++ {
			r = ask(adaEmail)
		}
		p.want(r, 429, "rate_limited")
	}
}

// accountsThatAreLocked are those whose password was locked. A passkey confirms, and the acts that need the password are refused.
func (p *probe) accountsThatAreLocked(targets []target) {
	p.t.Helper()
	who, email := p.someone()
	key := p.ownerOf(email, evePassword).addPasskey("")
	p.exec("UPDATE users SET locked_at = created_at WHERE email = '" + email + "'")
	for _, to := range targets {
		if to.OperationId != "signOutOthers" {
			p.want(p.act(to, who, p.confirmByPasskey(who, key)), 403, "invalid_credentials")
		}
	}
}

// accountsThatMustDoMore are those whose owners must go to the website first.
func (p *probe) accountsThatMustDoMore(targets []target) {
	p.t.Helper()
	for code, make := range map[string]func(email string) error{
		"password_change_required": func(email string) error {
			_, err := p.auth.Operator.SetPasswordGenerated(p.t.Context(), email, evePassword)
			if err == nil {
				p.exec("UPDATE devices SET revoked_at = NULL, revoked_by = '', revoke_reason = ''") // as where a backend asks for another password
			}
			return err
		},
		"second_factor_setup_required": func(email string) error {
			return p.auth.Operator.SetRole(p.t.Context(), email, models.RoleSupport)
		},
	} {
		who, email := p.someone()
		if err := make(email); err != nil {
			p.t.Fatal(err)
		}
		for _, to := range targets {
			if to.OperationId == "deleteAccount" || to.OperationId == "changeEmail" {
				p.want(p.act(to, who, p.confirm(who, evePassword).confirmation(p.t)), 403, code)
			}
		}
	}
}

var tokenInText = regexp.MustCompile(`\?token=(\S+)`)

// accountsThatStay are those that are not deleted: of the support staff, and of a person who has just moved.
func (p *probe) accountsThatStay(targets []target) {
	p.t.Helper()
	staff, email := p.someone()
	app := p.ownerOf(email, evePassword).addAuthenticator()
	if err := p.auth.Operator.SetRole(p.t.Context(), email, models.RoleSupport); err != nil {
		p.t.Fatal(err)
	}
	mover, _ := p.someone()
	post := p.config.Mail.(*keptMails)
	for _, to := range targets {
		if to.OperationId == "changeEmail" {
			p.act(to, mover, p.confirm(mover, evePassword).confirmation(p.t))
			if _, err := p.auth.Notify.SendMails(p.t.Context()); err != nil {
				p.t.Fatal(err)
			}
			last := post.list[len(post.list)-1]
			if _, err := p.auth.Addresses.Confirm(p.t.Context(), tokenInText.FindStringSubmatch(last.Text)[1], evePassword, auth.Caller{}); err != nil {
				p.t.Fatal(err)
			}
		}
	}
	for _, to := range targets {
		if to.OperationId == "deleteAccount" {
			p.want(p.act(to, mover, p.confirm(mover, evePassword).confirmation(p.t)), 403, "not_allowed")
			secret := p.confirmStep(staff, p.confirm(staff, evePassword).text(p.t, "challenge"), "totp", app.next(p.site)).confirmation(p.t)
			p.want(p.act(to, staff, secret), 403, "not_allowed")
		}
	}
}

// accountsWithout are acts on accounts where no mail is sent and no one can sign up.
func accountsWithout(p *probe) {
	for _, to := range p.accountTargets() {
		if to.OperationId == "changeEmail" {
			who, _ := p.someone()
			p.want(p.act(to, who, p.confirm(who, evePassword).confirmation(p.t)), 404, "not_found")
		}
	}
	p.want(p.send(true, "POST", "/api/account/password-reset", `{"email":"`+adaEmail+`"}`, "Content-Type", jsonType), 404, "not_found")
	p.want(p.send(true, "POST", "/api/account", `{"email":"grace@example.com","password":"nine lives of a cat"}`, "Content-Type", jsonType), 404, "signup_closed")
	if m := p.send(true, "GET", "/.well-known/oauth-authorization-server", "").json(p.t); m["account_signup_endpoint"] != nil || m["account_password_reset_endpoint"] != nil {
		p.t.Errorf("%v", m)
	}
}
