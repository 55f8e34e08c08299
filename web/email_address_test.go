package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"latchkey/auth"
	"latchkey/auth/mail"
	"latchkey/models"
)

// White space of every kind, and the mark that a text file may begin with.
var around = []string{" ", "\t", "\r\n", "\u00a0", "\u2003", "\u3000", "\u2028", "\u0085", "\u202f", "\ufeff", "\ufeff \t"}

// mailed tells whether such a mail arrives now, among others.
func (s *postOffice) mailed(to, subject string) bool {
	return slices.ContainsFunc(s.mails(), func(m mail.Message) bool { return m.To == to && m.Subject == subject })
}

func TestWhiteSpaceAroundAnAddressIsTrimmedEverywhere(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		sam := s.desk()
		for i, space := range around {
			typed := space + "ADA@example.com" + space
			if u, err := s.auth.Operator.FindUser(t.Context(), typed); err != nil || u.Email != adaEmail {
				t.Errorf("a command with %+q: %v", typed, err)
			}
			if row := sam.get(searchURL("q", typed)); row.status != http.StatusOK || !strings.Contains(row.body, adaEmail) {
				t.Errorf("a search for %+q: %d", typed, row.status)
			}
			if i%5 > 0 {
				continue // hashing takes its time
			}
			if r := s.tryLogin(typed, adaPassword, "phone"); r.status != http.StatusOK {
				t.Errorf("an app with %+q: %d %s", typed, r.status, r.body)
			}
			b := s.browser()
			b.expect(b.post("/login", url.Values{"email": {typed}, "password": {adaPassword}}), http.StatusSeeOther, "/devices")
			if r := s.browser().post("/forgot", url.Values{"email": {typed}}); r.status != http.StatusSeeOther {
				t.Errorf("forgotten by %+q: %d", typed, r.status)
			}
			if !s.mailed(adaEmail, "Choose a new password") {
				t.Errorf("forgotten by %+q: no mail", typed)
			}
		}
		for _, space := range []string{"\u3000", "\ufeff"} {
			b := s.signedIn()
			b.expect(b.move(space+newEmail+space, adaPassword), http.StatusSeeOther, "/security")
			b.told("/security", "We’ve e-mailed a link to "+newEmail+". Open it to finish the change.")
			if !s.mailed(newEmail, "Confirm your new e-mail address") {
				t.Errorf("a new address with %+q: no mail", space)
			}
		}
		if u, err := s.auth.Operator.AddUser(t.Context(), "\ufeffzoe@example.com\u2003", adaPassword, models.RoleUser); err != nil || u.Email != "zoe@example.com" || u.EmailKey != u.Email {
			t.Errorf("added %+q, %v", u.Email, err)
		}
		if err := s.auth.Operator.SetEmail(t.Context(), "zoe@example.com", "\u00a0zoe2@example.com\ufeff"); err != nil {
			t.Error(err)
		}
		if u, err := s.auth.Operator.FindUser(t.Context(), "zoe2@example.com"); err != nil || u.Email != "zoe2@example.com" {
			t.Errorf("%+q, %v", u.Email, err)
		}
	})
}

const (
	noAddress = "This isn’t a valid e-mail address. Enter one like name@example.com."
	unseenOne = "This e-mail address contains an invisible character. Type it instead of pasting it."
	noMail    = "This e-mail address can’t receive e-mail. "
	noDomain  = noMail + "Check the part after the @."
	alias     = "Some characters after the @ are look-alikes of others. Type the e-mail address instead of pasting it."
	letters   = noMail + "Use only plain letters, digits and symbols before the @."
)

func TestAnAddressThatCanNeverBeMailedIsRefusedWhereverOneIsChosen(t *testing.T) {
	posted(t, func(t *testing.T, s *postOffice) {
		b := s.signedIn()
		before := s.dump()
		for email, problem := range map[string]string{
			"ada\u200b2@example.com": unseenOne, "\u2060ada2@example.com": unseenOne, "ada2@example.com\u200d": unseenOne, "ada2@exam\u00adple.com": unseenOne,
			"ada2@exam\u034fple.com": unseenOne, "\u202aada2@example.com\u202c": unseenOne, "ada2\ufe0f@example.com": unseenOne, "ada2\u3164@example.com": unseenOne,
			"ada2\ufeff@example.com": unseenOne, "ada2@example\U000e0041.com": unseenOne, "ada2@example\u2065.com": unseenOne,
			"ada2@\uff45xample.com": alias, "ada2@example\u3002com": alias, "ada2@exam\u2119le.com": alias, "ada2@example\uff0ecom": alias, "ada2@e\u2093ample.com": alias,
			"ada": noAddress, "@": noAddress, "@example.com": noAddress, "ada2@": noAddress, "ada@b@example.com": noAddress, "ada @example.com": noAddress, "ada2@exa mple.com": noAddress,
			".ada@example.com": noAddress, "ada.@example.com": noAddress, "a..da@example.com": noAddress, `"a da"@example.com`: noAddress, `"ada2"@example.com`: noAddress,
			"ada2@example.com.": noAddress, "ada2@.example.com": noAddress, "ada2@example..com": noAddress, "<ada2@example.com>": noAddress, "ada2@example.com,": noAddress, "ada(x)@example.com": noAddress,
			"ada2@[192.0.2.1]": noDomain, "ada2@192.0.2.1": noDomain, "ada2@-example.com": noDomain, "ada2@example-.com": noDomain, "ada2@exam_ple.com": noDomain,
			"ada2@" + strings.Repeat("a", 64) + ".com": noDomain, "ada2@" + strings.Repeat("ä", 63) + ".com": noDomain, "ada2@xn--a.com": noDomain, "ada2@\u2800.com": unseenOne, "ada2@[IPv6:2001:db8::1]": noAddress,
			strings.Repeat("a", 65) + "@example.com": noMail + "Use at most 64 characters before the @.",
			"ädä@example.com":                        letters, "ada2\uffff@example.com": letters,
			"ada2\t@example.com": "Remove control characters, such as tabs and line breaks.",
		} {
			r := b.move(email, adaPassword)
			if r.status != http.StatusUnprocessableEntity {
				t.Errorf("a change to %+q: %d", email, r.status)
			} else {
				r.screen(t).one("form", "action", "/security/email").one("p", "id", "email-problem").says(problem)
			}
			r = s.browser().post("/signup", url.Values{"email": {email}, "password": {"nobody would guess it"}})
			if r.status != http.StatusUnprocessableEntity {
				t.Errorf("a sign-up with %+q: %d", email, r.status)
			} else {
				r.screen(t).one("p", "id", "email-problem").says(problem)
			}
			if _, err := s.auth.Operator.AddUser(t.Context(), email, adaPassword, models.RoleUser); fieldProblem(err, "email") != problem {
				t.Errorf("user add %+q: %v", email, err)
			}
			if err := s.auth.Operator.SetEmail(t.Context(), adaEmail, email); fieldProblem(err, "email") != problem {
				t.Errorf("user set-email %+q: %v", email, err)
			}
		}
		if after := s.dump(); after != before {
			t.Errorf("refused addresses changed the database from\n%s\nto\n%s", before, after)
		}
		for _, email := range []string{
			"a+b.c!#$%&'*/=?^_`{|}~-@example.com", strings.Repeat("a", 64) + "@example.com", "ada2@localhost", "ada2@" + strings.Repeat("a", 63) + ".example", "ada2@bücher.example", "ada3@BU\u0308CHER.example",
			"ada4@xn--bcher-kva.example", "ada2@1and1.example", "ada2@例え.テスト", "1@2.example",
		} {
			if _, err := s.auth.Operator.AddUser(t.Context(), email, adaPassword, models.RoleUser); err != nil {
				t.Errorf("user add %q: %v", email, fieldProblem(err, "email"))
			}
		}
	})
}

func fieldProblem(err error, field string) string {
	for _, f := range auth.AsError(err).Fields {
		if f.Field == field {
			return f.Detail
		}
	}
	return ""
}

// Accounts of the time before these were refused.
func TestPeopleSignInWithTheAddressThatTheyHave(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		for _, email := range []string{"a\u200bda@example.com", "ada@example.com\u2060", "ädä@example.com", "\ufeffada@example.com", strings.Repeat("a", 80) + "@example.com", "ada@[192.0.2.1]"} {
			u, err := s.auth.Operator.AddUser(t.Context(), "old@example.com", adaPassword, models.RoleUser)
			if err != nil {
				t.Fatal(err)
			}
			key := strings.ToLower(norm.NFC.String(email))
			if err := s.store.SetEmail(t.Context(), models.EmailSetting{UserID: u.ID, From: u.EmailKey, Email: email, EmailKey: key, At: s.clock.Now(), Event: models.Event{UserID: u.ID, ID: models.NewID(s.clock.Now()), Kind: models.EventEmailChanged, At: s.clock.Now(), Actor: models.ActorOperator}}); err != nil {
				t.Fatal(err)
			}
			if r := s.tryLogin(email, adaPassword, "phone"); r.status != http.StatusOK || r.text(t, "device_name") != "phone" {
				t.Errorf("an app of %+q: %d %s", email, r.status, r.body)
			}
			b := s.browser()
			b.expect(b.post("/login", url.Values{"email": {email}, "password": {adaPassword}}), http.StatusSeeOther, "/devices")
			if found, err := s.auth.Operator.FindUser(t.Context(), email); err != nil || found.ID != u.ID {
				t.Errorf("a command for %+q: %v", email, err)
			}
			if _, err := s.auth.Operator.Disable(t.Context(), email); err != nil {
				t.Error(err)
			}
			if err := s.auth.Operator.SetEmail(t.Context(), email, "mended@example.com"); err != nil {
				t.Error(err)
			}
			if err := s.auth.Operator.SetEmail(t.Context(), "mended@example.com", u.ID.String()+"@example.com"); err != nil {
				t.Error(err)
			}
		}
	})
}
