package notify

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/mail"
	"latchkey/auth/place"
	"latchkey/models"
)

// Kind says what a mail is about. The words are stored.
type Kind string

// The kinds of mail.
const (
	KindNewDevice        Kind = "new_device"
	KindDeviceReused     Kind = "device_reused"
	KindDeviceRoom       Kind = "device_room"      // a device was signed out to make room for a new sign-in
	KindSignedOutSince   Kind = "signed_out_since" // a device that the owner did not recognise, and everything since
	KindDeviceReplaced   Kind = "device_replaced"  // an app signed in again on the same phone, in the place of its earlier sign-in
	KindPasswordChanged  Kind = "password_changed"
	KindDisabled         Kind = "account_disabled"
	KindDeleted          Kind = "account_deleted" // to an address whose account is gone
	KindPasswordReset    Kind = "password_reset"
	KindInvited          Kind = "account_invited" // to an address for which an operator made an account
	KindSignup           Kind = "signup"
	KindSignupKnown      Kind = "signup_known"   // to an address that already has an account
	KindEmailConfirm     Kind = "email_confirm"  // to the address that an account asks for
	KindEmailTaken       Kind = "email_taken"    // to an address of an account that another account asks for
	KindEmailHeld        Kind = "email_held"     // to an address that an account had, when an account or a sign-up asks for it
	KindEmailChanged     Kind = "email_changed"  // to the address that an account had
	KindEmailNew         Kind = "email_new"      // to the address that an account now has
	KindEmailRestored    Kind = "email_restored" // to the address that an account took back
	KindEmailLost        Kind = "email_lost"     // to the address that such an account leaves
	KindFactorAdded      Kind = "factor_added"
	KindFactorRemoved    Kind = "factor_removed"
	KindFactorRenamed    Kind = "factor_renamed"
	KindFactorClosed     Kind = "factor_closed" // the authenticator app, after too many wrong codes
	KindFactorsReset     Kind = "factors_reset" // by an operator
	KindCodesMade        Kind = "recovery_codes_made"
	KindRecoveryCodeUsed Kind = "recovery_code_used"
	KindSecondStepMissed Kind = "second_step_missed" // the right password was given, and the second step was not taken
	KindEnrolCode        Kind = "enrol_code"         // with the code that lets the support staff set up a second factor
	KindIncident         Kind = "incident"           // apps were signed out by the operator, after an incident
	KindTest             Kind = "test"               // sent by an operator to test mail
	KindNone             Kind = "none"               // not sent at all, so that a request for a known address costs no more than one for an unknown address
)

// Notification is what a mail says. It is stored sealed, and rendered when the mail is sent. Its field names are stored.
type Notification struct {
	Kind       Kind
	At         time.Time // when the act happened
	IP         string    // of the caller, as far as known
	UserAgent  string
	DeviceName string `json:",omitempty"`
	Again      bool   `json:",omitempty"` // the address was changed once more after it was no longer the recipient's
	ByOperator bool   `json:",omitempty"` // an administrator did it, not the person who signed in
	First      bool   `json:",omitempty"` // it is the first password of the account, chosen with an invitation
	Factor     string `json:",omitempty"` // the kind of the factor that was added, removed or renamed: models.FactorKind
	NewName    string `json:",omitempty"` // of that factor, whose former name is DeviceName
	Code       string `json:",omitempty"` // that the recipient is to type
	Removed    string `json:",omitempty"` // the factors that the act removed: models.FactorsGone
	Devices    int64  `json:",omitempty"` // that the act signed out; of a KindIncident, filled in when the mail is sent
	Link       string `json:",omitempty"` // the secret of its link
	// Before and After are the addresses of a change, as far as the recipient may know them.
	Before, After string `json:",omitempty"`
	// Reuse is how a copied sign-in was used.
	Reuse *models.Reuse `json:",omitempty"`
	// Language is the recipient's, a tag of BCP 47. Only that of an address which is not the account's is stored: the account's takes its
	// place when the mail is sent. Empty: the default language.
	Language string `json:",omitempty"`
	// FormerLanguage is the recipient's until some days ago: the mail also says in it what it is about. nil: it has not changed.
	FormerLanguage *string `json:",omitempty"`
	// Until is when the link expires. A mail that could not be sent by then is given up.
	Until time.Time `json:",omitzero"`

	// Since makes the mail a summary of all sign-ins from that time on.
	Since time.Time `json:",omitzero"`

	// Incident is which one a KindIncident is about.
	Incident uuid.UUID `json:",omitzero"`

	To string `json:"-"` // the account's address when the mail was written; filled in when it is sent
	// SignIns are the sign-ins of a summary, oldest first, and SignInsTotal is how many there were. They are filled in when the
	// mail is sent.
	SignIns      []SignIn `json:"-"`
	SignInsTotal int64    `json:"-"`
	// Places tells where addresses are. It is filled in when the mail is sent.
	Places *place.Database `json:"-"`
	// CodesLeft is how many recovery codes of the account were not used, for a mail about a used one. It is filled in when the mail is
	// sent.
	CodesLeft int `json:"-"`

	// Of a KindIncident, filled in when the mail is sent:
	Words  string `json:"-"` // the operator's; may be empty
	Locked bool   `json:"-"` // the password is locked
	Tries  int64  `json:"-"` // how often the server put the mail off
}

// SignIn is one sign-in of a summary.
type SignIn struct {
	DeviceName, UserAgent, IP string
	At                        time.Time
}

// Rendered is the content of a mail.
type Rendered struct {
	Subject, Text, HTML string
	Logo                []byte // see mail.Message
}

// Render turns a notification into the content of a mail.
type Render func(Notification) (Rendered, error)

// Enabled reports whether mail is configured. If not, Compose returns no mails.
func (s *Service) Enabled() bool { return s.sender != nil }

// Compose makes the mail to an account's owner. The caller writes it in the transaction of the act.
func (s *Service) Compose(user uuid.UUID, l Notification, links ...models.OneTime) models.MailWithLinks {
	if !s.Enabled() {
		return models.MailWithLinks{}
	}
	m := models.OutgoingMail{ID: s.mailID(l.At), UserID: user, Kind: string(l.Kind), CreatedAt: l.At, Priority: l.Kind.priority()}
	text, err := json.Marshal(l)
	if err != nil {
		return models.MailWithLinks{} // never: JSON can hold every field
	}
	m.Sealed = s.sealer.Seal(mailRow(m.ID), text)
	return models.MailWithLinks{Mail: &m, Links: links}
}

// ComposeTo is Compose for an address that is not the account's, or no longer, or not yet.
func (s *Service) ComposeTo(address string, user uuid.UUID, l Notification, links ...models.OneTime) models.MailWithLinks {
	n := s.Compose(user, l, links...)
	if n.Mail != nil {
		n.Mail.Recipient = address
	}
	return n
}

// mailID makes a mail's id. A counter follows the time, so that mails of the same millisecond are sent in the order in which this
// process wrote them (RFC 9562 §6.2, method 1).
func (s *Service) mailID(at time.Time) uuid.UUID {
	id, n := models.NewID(at), s.count.Add(1)
	id[6], id[7] = id[6]&0xf0|byte(n>>22)&0x0f, byte(n>>14)
	id[8], id[9] = id[8]&0xc0|byte(n>>8)&0x3f, byte(n)
	return id
}

// AskedKinds are the kinds that strangers can cause, as stored words. Security alerts are not among them.
var AskedKinds = []string{
	string(KindSignup), string(KindSignupKnown), string(KindPasswordReset), string(KindEmailConfirm), string(KindEmailTaken), string(KindEmailHeld), string(KindNone),
}

// toAnother reports whether a mail goes to the address of another account than the one that caused it. It is in that account's
// language, never in the one of a stranger who asked.
func (k Kind) toAnother() bool { return k == KindEmailTaken || k == KindEmailHeld }

// priority returns which mails go first. Mails about a thief's acts must not wait behind mails that strangers ask for.
func (k Kind) priority() int64 {
	switch {
	case k == KindSignup, k == KindSignupKnown, k == KindInvited: // an operator's system may invite thousands
		return models.MailRest
	case slices.Contains(AskedKinds, string(k)):
		return models.MailAsked
	}
	return models.MailSecurity
}

// mailRow returns the row that a mail's seal is bound to.
func mailRow(id uuid.UUID) []byte { return append([]byte("mail\x00"), id[:]...) }

// ComposeNotMe is Compose with the link "This wasn't me" about one device or, with an empty subject, about all devices. Links about
// all devices do not end earlier ones. Otherwise a thief's next act would end the owner's link.
func (s *Service) ComposeNotMe(user uuid.UUID, l Notification, subject string) models.MailWithLinks {
	if subject == "" {
		subject = models.EveryDevice + rand.Text()
	}
	link, secret := NewLink(user, LinkNotMe, subject, l.At, NotMeLife)
	l.Link, l.Until = secret, link.ExpiresAt
	return s.Compose(user, l, link)
}

// NewNotification returns the notification of an act. The caller fills in what is particular to its kind.
func NewNotification(kind Kind, from auth.Caller, at time.Time) Notification {
	return Notification{Kind: kind, At: at, IP: from.Address(), UserAgent: from.UserAgent}
}

const (
	// AlertsEvery is the span in which the fourth mail about a sign-in becomes a summary.
	AlertsEvery = time.Hour
	// summaryWait is how long a summary collects sign-ins. Together with the sending this stays below ten minutes.
	summaryWait = 9 * time.Minute
	// summaryLines is how many sign-ins a summary lists.
	summaryLines = 100
)

// SignInAlert returns functions that make the mails about sign-ins, or nil without mail. After too many mails within an hour, the
// owner gets a summary.
func (s *Service) SignInAlert(from auth.Caller, now time.Time) *models.SignInAlert {
	if !s.Enabled() {
		return nil
	}
	return &models.SignInAlert{
		Every: AlertsEvery,
		Single: func(d models.Device) models.MailWithLinks {
			l := NewNotification(KindNewDevice, from, now)
			l.DeviceName = d.Name
			return s.ComposeNotMe(d.UserID, l, d.ID.String())
		},
		// A summary has the kind of the mails that it replaces. The details of this sign-in are for replicas of a release without
		// summaries.
		Summary: func(d models.Device, since time.Time) models.MailWithLinks {
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

// listSignIns fills in the sign-ins of a summary.
func (s *Service) listSignIns(ctx context.Context, user uuid.UUID, l *Notification) error {
	list, total, err := s.store.DevicesSince(ctx, user, l.Since, summaryLines)
	for _, d := range list {
		l.SignIns = append(l.SignIns, SignIn{DeviceName: d.Name, UserAgent: d.UserAgent, IP: d.CreatedIP, At: d.CreatedAt})
	}
	l.SignInsTotal = total
	return err
}

// ReusedMail makes the mail about a device that was signed out because its token was copied. from presented the token that was no
// longer good.
func (s *Service) ReusedMail(d models.Device, reuse *models.Reuse, from auth.Caller, now time.Time) models.MailWithLinks {
	l := NewNotification(KindDeviceReused, from, now)
	l.DeviceName, l.Reuse = d.Name, reuse
	return s.ComposeNotMe(d.UserID, l, "")
}

// maxRoomNames is how many of the devices that made room a mail names.
const maxRoomNames = 5

// RoomMail makes the mail about devices that were signed out to make room for a sign-in.
func (s *Service) RoomMail(user uuid.UUID, gone []models.Device, from auth.Caller, now time.Time) models.MailWithLinks {
	l := NewNotification(KindDeviceRoom, from, now)
	l.UserAgent = "" // the new device's: the mail shows the other's name
	var names []string
	for i, d := range gone {
		if i == maxRoomNames {
			names = append(names, "…")
			break
		}
		names = append(names, d.Name)
	}
	l.DeviceName = strings.Join(names, ", ")
	return s.ComposeNotMe(user, l, "")
}

// ReplacedMail makes the mail about an app that has signed in again on the same phone: d is the new device.
func (s *Service) ReplacedMail(d models.Device, from auth.Caller) models.MailWithLinks {
	l := NewNotification(KindDeviceReplaced, from, d.CreatedAt)
	l.DeviceName = d.Name
	return s.ComposeNotMe(d.UserID, l, d.ID.String())
}

// countCodes fills in how many recovery codes are left.
func (s *Service) countCodes(ctx context.Context, user uuid.UUID, l *Notification) error {
	list, err := s.store.Factors(ctx, user)
	for _, f := range list {
		if f.Kind == models.FactorRecoveryCode && f.UsedAt == nil {
			l.CodesLeft++
		}
	}
	return err
}

// FormerLanguageLife is how long after a change mails also say in the former language what they are about. A person with a copy of a
// cookie can change the language, and the owner must be able to read an alarm.
const FormerLanguageLife = 7 * 24 * time.Hour

// languages fills in those of the account.
func (s *Service) languages(ctx context.Context, user uuid.UUID, l *Notification) error {
	kept, err := s.store.Languages(ctx, user)
	l.Language, l.FormerLanguage = kept.Language, kept.Former(s.clock.Now().Add(-FormerLanguageLife))
	return err
}

// message opens and renders a mail.
func (s *Service) message(ctx context.Context, m models.OutgoingMail) (mail.Message, Notification, error) {
	var l Notification
	text, _, err := s.sealer.Open(mailRow(m.ID), m.Sealed)
	if err == nil {
		err = json.Unmarshal(text, &l)
	}
	if err == nil && !l.Since.IsZero() {
		err = s.listSignIns(ctx, m.UserID, &l)
	}
	if err == nil && l.Kind == KindRecoveryCodeUsed {
		err = s.countCodes(ctx, m.UserID, &l)
	}
	if err == nil && l.Kind == KindIncident {
		err = s.readIncident(ctx, m.UserID, &l)
	}
	if err == nil && m.UserID != uuid.Nil && !l.Kind.toAnother() {
		err = s.languages(ctx, m.UserID, &l)
	}
	if err != nil {
		return mail.Message{}, l, err
	}
	l.To, l.Places = m.Recipient, s.places
	words, err := s.render(l)
	if err != nil {
		return mail.Message{}, l, err
	}
	return mail.Message{ID: m.ID.String(), To: m.Recipient, Subject: words.Subject, Text: words.Text, HTML: words.HTML, Logo: words.Logo, At: m.CreatedAt}, l, nil
}
