package auth

import (
	"crypto/rand"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"latchkey/auth/mail"
	"latchkey/models"
)

// LetterKind is what a mail is about. The words are stored.
type LetterKind string

// The kinds of mail.
const (
	LetterNewDevice       LetterKind = "new_device"
	LetterDeviceReused    LetterKind = "device_reused"
	LetterPasswordChanged LetterKind = "password_changed"
	LetterDisabled        LetterKind = "account_disabled"
	LetterDeleted         LetterKind = "account_deleted" // to an address that has no account any more
	LetterReset           LetterKind = "password_reset"
	LetterSignup          LetterKind = "signup"
	LetterSignupKnown     LetterKind = "signup_known"   // to an address that has an account already
	LetterEmailConfirm    LetterKind = "email_confirm"  // to the address that an account shall have
	LetterEmailTaken      LetterKind = "email_taken"    // to an address that another account wants
	LetterEmailHeld       LetterKind = "email_held"     // to an address that an account had, when another one or a new one wants it
	LetterEmailChanged    LetterKind = "email_changed"  // to the address that an account had
	LetterEmailNew        LetterKind = "email_new"      // to the address that an account has now
	LetterEmailRestored   LetterKind = "email_restored" // to the address that an account took back
	LetterEmailLost       LetterKind = "email_lost"     // to the address that it had meanwhile
	LetterTest            LetterKind = "test"           // sent by an operator to see whether mail works
	LetterNone            LetterKind = "none"           // to nobody: thrown away instead of sent, so that a known address costs no more than an unknown one
)

// Letter is what a mail says. It waits in the database sealed, and is put into words when it is sent.
type Letter struct {
	Kind       LetterKind
	At         time.Time // when what it tells of happened
	IP         string    // from where, as far as is known
	UserAgent  string
	DeviceName string `json:",omitempty"`
	ByOperator bool   `json:",omitempty"` // an administrator did it, not whoever signed in
	Link       string `json:",omitempty"` // the secret of its link
	// Before and After are the addresses of a change, as far as the recipient is told.
	Before, After string `json:",omitempty"`
	// Until is when the link ends; a mail that could not be sent by then is given up.
	Until time.Time `json:",omitzero"`

	To string `json:"-"` // the account's address when the mail was written; filled in when it is sent
}

// Words are a letter as a mail reads.
type Words struct{ Subject, Text, HTML string }

// Render puts letters into words.
type Render func(Letter) (Words, error)

// mailing tells whether mails are sent at all. Without, none is written either.
func (s *Service) mailing() bool { return s.Mail != nil }

// notice makes the mail to an account's owner, to be written with what it tells of.
func (s *Service) notice(user uuid.UUID, l Letter, links ...models.OneTime) models.Notice {
	if !s.mailing() {
		return models.Notice{}
	}
	m := models.Mail{ID: models.NewID(l.At), UserID: user, Kind: string(l.Kind), CreatedAt: l.At}
	text, err := json.Marshal(l)
	if err != nil {
		return models.Notice{} // never: there is nothing in it that JSON cannot hold
	}
	m.Box = s.boxes.seal(mailRow(m.ID), text)
	return models.Notice{Mail: &m, Links: links}
}

// mailRow is what the box of a mail is bound to.
func mailRow(id uuid.UUID) []byte { return append([]byte("mail\x00"), id[:]...) }

// alarm is a mail with the link "This wasn't me", about one device or, with an empty subject, all of them. A link about
// all of them leaves earlier ones good, or a thief's next act would take them away.
func (s *Service) alarm(user uuid.UUID, l Letter, subject string) models.Notice {
	if subject == "" {
		subject = models.EveryDevice + rand.Text()
	}
	link, secret := newLink(user, linkAlarm, subject, l.At, alarmLife)
	l.Link, l.Until = secret, link.ExpiresAt
	return s.notice(user, l, link)
}

// letter begins the mail about an act.
func letter(kind LetterKind, from Caller, at time.Time) Letter {
	return Letter{Kind: kind, At: at, IP: from.address(), UserAgent: from.UserAgent}
}

// newDeviceNotice makes the mail about a sign-in; nil when none is sent.
func (s *Service) newDeviceNotice(from Caller, now time.Time) func(models.Device) models.Notice {
	if !s.mailing() {
		return nil
	}
	return func(d models.Device) models.Notice {
		l := letter(LetterNewDevice, from, now)
		l.DeviceName = d.Name
		return s.alarm(d.UserID, l, d.ID.String())
	}
}

// reusedNotice makes the mail about a device that was signed out because its token was copied.
func (s *Service) reusedNotice(from Caller, now time.Time) func(models.Device) models.Notice {
	if !s.mailing() {
		return nil
	}
	return func(d models.Device) models.Notice {
		l := letter(LetterDeviceReused, from, now)
		l.DeviceName = d.Name
		return s.alarm(d.UserID, l, "")
	}
}

// message puts a letter into words.
func (s *Service) message(m models.Mail) (mail.Message, Letter, error) {
	var l Letter
	text, err := s.boxes.open(mailRow(m.ID), m.Box)
	if err == nil {
		err = json.Unmarshal(text, &l)
	}
	if err != nil {
		return mail.Message{}, l, err
	}
	l.To = m.Recipient
	words, err := s.Render(l)
	if err != nil {
		return mail.Message{}, l, err
	}
	return mail.Message{ID: m.ID.String(), To: m.Recipient, Subject: words.Subject, Text: words.Text, HTML: words.HTML, At: m.CreatedAt}, l, nil
}
