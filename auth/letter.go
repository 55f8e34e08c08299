package auth

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"slices"
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
	Again      bool   `json:",omitempty"` // the address was changed once more, after the recipient's own was left
	ByOperator bool   `json:",omitempty"` // an administrator did it, not whoever signed in
	Link       string `json:",omitempty"` // the secret of its link
	// Before and After are the addresses of a change, as far as the recipient is told.
	Before, After string `json:",omitempty"`
	// Until is when the link ends; a mail that could not be sent by then is given up.
	Until time.Time `json:",omitzero"`

	// Since makes it a summary: of all sign-ins from that moment on.
	Since time.Time `json:",omitzero"`

	To string `json:"-"` // the account's address when the mail was written; filled in when it is sent
	// SignIns are those of a summary, oldest first, and SignInsTotal how many there were; filled in when it is sent.
	SignIns      []SignInLine `json:"-"`
	SignInsTotal int64        `json:"-"`
}

// SignInLine is one sign-in of a summary.
type SignInLine struct {
	DeviceName, UserAgent, IP string
	At                        time.Time
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
	m := models.OutgoingMail{ID: s.mailID(l.At), UserID: user, Kind: string(l.Kind), CreatedAt: l.At, Priority: l.Kind.priority()}
	text, err := json.Marshal(l)
	if err != nil {
		return models.Notice{} // never: there is nothing in it that JSON cannot hold
	}
	m.Box = s.boxes.seal(mailRow(m.ID), text)
	return models.Notice{Mail: &m, Links: links}
}

// mailID makes a mail's id so that the mails of one moment go in the order in which this process wrote them: what an id has of
// chance after the time begins with a counter (RFC 9562 §6.2, method 1).
func (s *Service) mailID(at time.Time) uuid.UUID {
	id, n := models.NewID(at), s.mailCount.Add(1)
	id[6], id[7] = id[6]&0xf0|byte(n>>22)&0x0f, byte(n>>14)
	id[8], id[9] = id[8]&0xc0|byte(n>>8)&0x3f, byte(n)
	return id
}

// askedKinds are those that anybody can have written, in the stored words. Alarms are none, also when they go with these mails.
var askedKinds = []string{
	string(LetterSignup), string(LetterSignupKnown), string(LetterReset), string(LetterEmailConfirm), string(LetterEmailTaken), string(LetterEmailHeld), string(LetterNone),
}

// priority is which mails go first: what a thief's act sets off must not wait behind what strangers ask for.
func (k LetterKind) priority() int64 {
	switch {
	case k == LetterSignup, k == LetterSignupKnown:
		return models.MailSignup
	case slices.Contains(askedKinds, string(k)):
		return models.MailAsked
	}
	return models.MailSecurity
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

const (
	// alertsEvery is the time within which a fourth mail about a sign-in becomes a summary.
	alertsEvery = time.Hour
	// summaryWait is how long a summary gathers sign-ins. With the time that sending takes it stays below ten minutes.
	summaryWait = 9 * time.Minute
	// summaryLines is how many sign-ins a summary lists.
	summaryLines = 100
)

// signInAlert makes the mails about sign-ins; nil when no mail is sent. Of too many within an hour the owner is told together.
func (s *Service) signInAlert(from Caller, now time.Time) *models.SignInAlert {
	if !s.mailing() {
		return nil
	}
	return &models.SignInAlert{
		Every: alertsEvery,
		Alone: func(d models.Device) models.Notice {
			l := letter(LetterNewDevice, from, now)
			l.DeviceName = d.Name
			return s.alarm(d.UserID, l, d.ID.String())
		},
		// Its kind is that of the mails that it stands for. What this sign-in was like is for a replica that knows no summaries.
		Summary: func(d models.Device, since time.Time) models.Notice {
			l := letter(LetterNewDevice, from, now)
			l.DeviceName, l.Since = d.Name, since
			n := s.alarm(d.UserID, l, models.DevicesFrom(since, rand.Text()))
			if n.Mail != nil {
				n.Mail.NextAt = now.Add(summaryWait)
			}
			return n
		},
	}
}

// listSignIns reads what a summary tells.
func (s *Service) listSignIns(ctx context.Context, user uuid.UUID, l *Letter) error {
	list, total, err := s.store.DevicesSince(ctx, user, l.Since, summaryLines)
	for _, d := range list {
		l.SignIns = append(l.SignIns, SignInLine{DeviceName: d.Name, UserAgent: d.UserAgent, IP: d.CreatedIP, At: d.CreatedAt})
	}
	l.SignInsTotal = total
	return err
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
func (s *Service) message(ctx context.Context, m models.OutgoingMail) (mail.Message, Letter, error) {
	var l Letter
	text, err := s.boxes.open(mailRow(m.ID), m.Box)
	if err == nil {
		err = json.Unmarshal(text, &l)
	}
	if err == nil && !l.Since.IsZero() {
		err = s.listSignIns(ctx, m.UserID, &l)
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
