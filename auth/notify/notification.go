package notify

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/mail"
	"latchkey/models"
)

// Kind is what a mail is about. The words are stored.
type Kind string

// The kinds of mail.
const (
	KindNewDevice       Kind = "new_device"
	KindDeviceReused    Kind = "device_reused"
	KindPasswordChanged Kind = "password_changed"
	KindDisabled        Kind = "account_disabled"
	KindDeleted         Kind = "account_deleted" // to an address that has no account any more
	KindPasswordReset   Kind = "password_reset"
	KindInvited         Kind = "account_invited" // to an address for which an operator made an account
	KindSignup          Kind = "signup"
	KindSignupKnown     Kind = "signup_known"   // to an address that has an account already
	KindEmailConfirm    Kind = "email_confirm"  // to the address that an account shall have
	KindEmailTaken      Kind = "email_taken"    // to an address that another account wants
	KindEmailHeld       Kind = "email_held"     // to an address that an account had, when another one or a new one wants it
	KindEmailChanged    Kind = "email_changed"  // to the address that an account had
	KindEmailNew        Kind = "email_new"      // to the address that an account has now
	KindEmailRestored   Kind = "email_restored" // to the address that an account took back
	KindEmailLost       Kind = "email_lost"     // to the address that it had meanwhile
	KindTest            Kind = "test"           // sent by an operator to see whether mail works
	KindNone            Kind = "none"           // to nobody: thrown away instead of sent, so that a known address costs no more than an unknown one
)

// Notification is what a mail says. It waits in the database sealed, and is put into words when it is sent.
type Notification struct {
	Kind       Kind
	At         time.Time // when what it tells of happened
	IP         string    // from where, as far as is known
	UserAgent  string
	DeviceName string `json:",omitempty"`
	Again      bool   `json:",omitempty"` // the address was changed once more, after the recipient's own was left
	ByOperator bool   `json:",omitempty"` // an administrator did it, not whoever signed in
	First      bool   `json:",omitempty"` // it is the first password of the account, chosen by an invitation
	Link       string `json:",omitempty"` // the secret of its link
	// Before and After are the addresses of a change, as far as the recipient is told.
	Before, After string `json:",omitempty"`
	// Until is when the link ends; a mail that could not be sent by then is given up.
	Until time.Time `json:",omitzero"`

	// Since makes it a summary: of all sign-ins from that moment on.
	Since time.Time `json:",omitzero"`

	To string `json:"-"` // the account's address when the mail was written; filled in when it is sent
	// SignIns are those of a summary, oldest first, and SignInsTotal how many there were; filled in when it is sent.
	SignIns      []SignIn `json:"-"`
	SignInsTotal int64    `json:"-"`
}

// SignIn is one sign-in of a summary.
type SignIn struct {
	DeviceName, UserAgent, IP string
	At                        time.Time
}

// Rendered are a letter as a mail reads.
type Rendered struct{ Subject, Text, HTML string }

// Render puts letters into words.
type Render func(Notification) (Rendered, error)

// Enabled tells whether mails are sent at all. Without, none is written either.
func (s *Service) Enabled() bool { return s.sender != nil }

// Compose makes the mail to an account's owner, to be written with what it tells of.
func (s *Service) Compose(user uuid.UUID, l Notification, links ...models.OneTime) models.Notice {
	if !s.Enabled() {
		return models.Notice{}
	}
	m := models.OutgoingMail{ID: s.mailID(l.At), UserID: user, Kind: string(l.Kind), CreatedAt: l.At, Priority: l.Kind.priority()}
	text, err := json.Marshal(l)
	if err != nil {
		return models.Notice{} // never: there is nothing in it that JSON cannot hold
	}
	m.Box = s.sealer.Seal(mailRow(m.ID), text)
	return models.Notice{Mail: &m, Links: links}
}

// ComposeTo is notice for an address that is not, or not yet, or no longer the account's.
func (s *Service) ComposeTo(address string, user uuid.UUID, l Notification, links ...models.OneTime) models.Notice {
	n := s.Compose(user, l, links...)
	if n.Mail != nil {
		n.Mail.Recipient = address
	}
	return n
}

// mailID makes a mail's id so that the mails of one moment go in the order in which this process wrote them: what an id has of
// chance after the time begins with a counter (RFC 9562 §6.2, method 1).
func (s *Service) mailID(at time.Time) uuid.UUID {
	id, n := models.NewID(at), s.count.Add(1)
	id[6], id[7] = id[6]&0xf0|byte(n>>22)&0x0f, byte(n>>14)
	id[8], id[9] = id[8]&0xc0|byte(n>>8)&0x3f, byte(n)
	return id
}

// AskedKinds are those that anybody can have written, in the stored words. Alarms are none, also when they go with these mails.
var AskedKinds = []string{
	string(KindSignup), string(KindSignupKnown), string(KindPasswordReset), string(KindEmailConfirm), string(KindEmailTaken), string(KindEmailHeld), string(KindNone),
}

// priority is which mails go first: what a thief's act sets off must not wait behind what strangers ask for.
func (k Kind) priority() int64 {
	switch {
	case k == KindSignup, k == KindSignupKnown:
		return models.MailSignup
	case k == KindInvited, slices.Contains(AskedKinds, string(k)):
		return models.MailAsked
	}
	return models.MailSecurity
}

// mailRow is what the box of a mail is bound to.
func mailRow(id uuid.UUID) []byte { return append([]byte("mail\x00"), id[:]...) }

// ComposeNotMe is a mail with the link "This wasn't me", about one device or, with an empty subject, all of them. A link about
// all of them leaves earlier ones good, or a thief's next act would take them away.
func (s *Service) ComposeNotMe(user uuid.UUID, l Notification, subject string) models.Notice {
	if subject == "" {
		subject = models.EveryDevice + rand.Text()
	}
	link, secret := NewLink(user, LinkNotMe, subject, l.At, NotMeLife)
	l.Link, l.Until = secret, link.ExpiresAt
	return s.Compose(user, l, link)
}

// NewNotification begins the mail about an act.
func NewNotification(kind Kind, from auth.Caller, at time.Time) Notification {
	return Notification{Kind: kind, At: at, IP: from.Address(), UserAgent: from.UserAgent}
}

const (
	// AlertsEvery is the time within which a fourth mail about a sign-in becomes a summary.
	AlertsEvery = time.Hour
	// summaryWait is how long a summary gathers sign-ins. With the time that sending takes it stays below ten minutes.
	summaryWait = 9 * time.Minute
	// summaryLines is how many sign-ins a summary lists.
	summaryLines = 100
)

// SignInAlert makes the mails about sign-ins; nil when no mail is sent. Of too many within an hour the owner is told together.
func (s *Service) SignInAlert(from auth.Caller, now time.Time) *models.SignInAlert {
	if !s.Enabled() {
		return nil
	}
	return &models.SignInAlert{
		Every: AlertsEvery,
		Alone: func(d models.Device) models.Notice {
			l := NewNotification(KindNewDevice, from, now)
			l.DeviceName = d.Name
			return s.ComposeNotMe(d.UserID, l, d.ID.String())
		},
		// Its kind is that of the mails that it stands for. What this sign-in was like is for a replica that knows no summaries.
		Summary: func(d models.Device, since time.Time) models.Notice {
			l := NewNotification(KindNewDevice, from, now)
			l.DeviceName, l.Since = d.Name, since
			n := s.ComposeNotMe(d.UserID, l, models.DevicesFrom(since, rand.Text()))
			if n.Mail != nil {
				n.Mail.NextAt = now.Add(summaryWait)
			}
			return n
		},
	}
}

// listSignIns reads what a summary tells.
func (s *Service) listSignIns(ctx context.Context, user uuid.UUID, l *Notification) error {
	list, total, err := s.store.DevicesSince(ctx, user, l.Since, summaryLines)
	for _, d := range list {
		l.SignIns = append(l.SignIns, SignIn{DeviceName: d.Name, UserAgent: d.UserAgent, IP: d.CreatedIP, At: d.CreatedAt})
	}
	l.SignInsTotal = total
	return err
}

// ReusedNotice makes the mail about a device that was signed out because its token was copied.
func (s *Service) ReusedNotice(from auth.Caller, now time.Time) func(models.Device) models.Notice {
	if !s.Enabled() {
		return nil
	}
	return func(d models.Device) models.Notice {
		l := NewNotification(KindDeviceReused, from, now)
		l.DeviceName = d.Name
		return s.ComposeNotMe(d.UserID, l, "")
	}
}

// message puts a letter into words.
func (s *Service) message(ctx context.Context, m models.OutgoingMail) (mail.Message, Notification, error) {
	var l Notification
	text, _, err := s.sealer.Open(mailRow(m.ID), m.Box)
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
	words, err := s.render(l)
	if err != nil {
		return mail.Message{}, l, err
	}
	return mail.Message{ID: m.ID.String(), To: m.Recipient, Subject: words.Subject, Text: words.Text, HTML: words.HTML, At: m.CreatedAt}, l, nil
}
