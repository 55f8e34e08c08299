package views

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode"

	"latchkey/views/catalog"
)

// Mail is what a mail tells. It is rendered twice: HTMLMail for programs that show HTML, Text for those that do not.
type Mail struct {
	Say      catalog.Printer // of the account's language
	Kind     string          // see wordsOf; the kinds of auth's letters
	To       string          // the account's address
	At       time.Time
	Address  string // from where, as far as is known
	Place    Place
	Agent    string // "Firefox on Linux"; may be empty
	Device   string
	Devices  int    // that the act signed out
	Operator bool   // an administrator did it
	First    bool   // it is the account's first password, chosen with an invitation
	Again    bool   // the address was changed once more, after the recipient's own was left
	Link     string // whole URL; empty: the mail has no link
	Until    time.Time
	Base     string // the portal's origin
	Brand    Brand  // its logo's URL may be cid:…
	Accents  Accents

	Factor    string        // the name of the passkey that the mail is about; may be empty
	NewName   string        // that Factor has now
	App       bool          // it is about the authenticator app, otherwise about a passkey
	Removed   string        // a sentence: the factors that the act removed beside what it is for
	CodesLeft int           // recovery codes that were not used
	Copied    *CopiedSignIn // how a copied sign-in was used; nil: not known
	Code      string        // the one of an enrolment

	// Of a mail about an incident: whether the password is locked, and what the operator says.
	Locked bool
	Words  string

	Former *catalog.Printer // of the language that the account had until some days ago; nil: it has not changed

	Before, After string // the addresses of a change, as far as the recipient is told

	// Since makes it a summary of the sign-ins from then on; SignIns are the first of them, oldest first, of Total.
	Since   time.Time
	SignIns []MailSignIn
	Total   int
}

// MailSignIn is one sign-in of a summary.
type MailSignIn struct {
	Device, Agent, Address string
	Place                  Place
	At                     time.Time
}

// Fact is a line of what is known.
type Fact struct{ Name, Value string }

// wording is a mail in words.
type wording struct {
	subject string
	heading string
	lead    string
	code    string      // to type, large below the lead
	expiry  string      // of the code
	button  string      // of the link
	act     string      // what the link does
	alarm   bool        // the link is for the case that something is wrong
	after   []paragraph // what else to know or do
	why     string
}

// paragraph may hold a URL, as it is shown: then that is a link. to is where it leads; empty: to the URL.
type paragraph struct{ text, url, to string }

// href is where the link leads.
func (p paragraph) href() string { return cmp.Or(p.to, p.url) }

// leading is a paragraph that leads to a page of the portal.
func (m Mail) leading(say func(string) string, path string) paragraph {
	url := m.Base + path
	return paragraph{text: say(url), url: url}
}

// contact tells where to ask: the operator's help, or the administrator.
func (m Mail) contact() paragraph {
	if m.Brand.Support == "" {
		return paragraph{text: m.Say.MailContact()}
	}
	shown := strings.TrimPrefix(m.Brand.Support, "mailto:")
	return paragraph{m.Say.MailContactSupport(shown), shown, m.Brand.Support}
}

// host is the name of the server.
func (m Mail) host() string {
	_, host, ok := strings.Cut(m.Base, "://")
	if !ok {
		return m.Base
	}
	return host
}

// Subject is the mail's subject, in the former language too. People have accounts in many places: the name of an operator's service says
// which.
func (m Mail) Subject() string {
	subject := m.words().subject
	if m.Former != nil {
		subject += " / " + m.formerly().words().subject
	}
	if m.Say.Branded() {
		subject += " · " + m.Say.Brand()
	}
	return subject
}

func (m Mail) title() string { return m.words().subject + " · " + m.Say.Brand() }

// formerly is the mail in the former language. A sentence that was made in the present one is left out.
func (m Mail) formerly() Mail {
	m.Say, m.Former, m.Removed = *m.Former, nil, ""
	return m
}

// summary is the mail in few paragraphs: what happened, and what its link is for.
func (m Mail) summary() []string {
	w := m.words()
	list := []string{w.heading, w.lead}
	if m.Link != "" {
		list = append(list, w.act, m.until())
	}
	return list
}

func (m Mail) words() wording {
	w := m.wordsOfKind()
	if m.Removed != "" {
		w.lead = m.Say.TextTwo(w.lead, m.Removed)
		if m.Kind == "password_changed" {
			w.heading = m.Say.MailPasswordChangedHeadingRemoved()
		}
	}
	return w
}

func (m Mail) wordsOfKind() wording {
	always := m.Say.MailAlways(m.To).String()
	switch m.Kind {
	case "new_device":
		if !m.Since.IsZero() {
			return m.signInsWords(always)
		}
		return wording{
			subject: m.subjectOf(m.Say.MailNewDeviceSubjectDevice, m.Say.MailNewDeviceSubject), heading: m.Say.MailNewDeviceHeading(), alarm: true, why: always,
			lead: m.Say.MailNewDeviceLead(), button: m.Say.MailNotMe(), act: m.Say.MailNewDeviceAct(),
		}
	case "device_reused":
		return m.reusedWords(always)
	case "device_room":
		return wording{
			subject: m.subjectOf(m.Say.MailRoomSubjectDevice, m.Say.MailRoomSubject), heading: m.Say.MailRoomHeading(), alarm: true, why: always,
			lead: m.Say.MailRoomLead(), button: m.Say.MailNotMe(), act: m.Say.MailFactorAct(),
		}
	case "signed_out_since":
		return m.sinceWords(always)
	case "device_replaced":
		return wording{
			subject: m.subjectOf(m.Say.MailReplacedSubjectDevice, m.Say.MailReplacedSubject), heading: m.Say.MailReplacedHeading(), alarm: true, why: always,
			lead: m.Say.MailReplacedLead(), button: m.Say.MailNotMe(), act: m.Say.MailNewDeviceAct(),
		}
	case "password_changed":
		return m.passwordWords(always)
	}
	if w, ok := m.accountWords(always); ok {
		return w
	}
	if w, ok := m.factorWords(always); ok {
		return w
	}
	if w, ok := m.emailWords(always); ok {
		return w
	}
	activity := m.Base + "/activity"
	return wording{
		subject: m.Say.MailOtherSubject(), heading: m.Say.MailOtherHeading(), lead: m.Say.MailOtherLead(), why: always,
		after: []paragraph{{text: activity, url: activity}},
	}
}

func (m Mail) signInsWords(always string) wording {
	w := wording{
		subject: m.Say.MailSignInsSubject(m.Total), heading: m.Say.MailSignInsHeading(m.Total), alarm: true, why: always,
		lead: m.Say.MailSignInsLead(m.Total, m.exact(m.Since)), button: m.Say.MailNotMe(), act: m.Say.MailSignInsAct(),
	}
	if shown := len(m.SignIns); shown < m.Total {
		w.lead = m.Say.MailSignInsLeadFirst(m.Total, m.exact(m.Since), m.Say.Number(shown))
		w.after = []paragraph{m.leading(m.Say.MailSeeActivity, "/activity")}
	}
	return w
}

func (m Mail) sinceWords(always string) wording {
	w := wording{
		subject: m.subjectOf(m.Say.MailSinceSubjectDevice, m.Say.MailSinceSubject), heading: m.Say.MailSinceHeading(), alarm: true, why: always,
		lead: m.Say.MailSinceLead(m.Devices), button: m.Say.MailNotMe(), act: m.Say.MailFactorAct(),
	}
	if m.Devices == 0 {
		w.lead = m.Say.MailSinceLeadNone()
	}
	return w
}

func (m Mail) reusedWords(always string) wording {
	// The quotation marks are the sentence's: the name alone may turn around.
	device := m.Say.MailQuoted(contained(firstStrongIsolate + given(m.Device)))
	lead, act := m.Say.MailReusedLead(device), m.Say.MailReusedAct()
	switch {
	case m.Copied == nil:
		act = m.Say.MailReusedActUnknown()
	case m.Copied.Apart:
		lead = m.Say.MailReusedLeadApart(device)
	}
	return wording{
		subject: m.subjectOf(m.Say.MailReusedSubjectDevice, m.Say.MailReusedSubject), heading: m.Say.MailReusedHeading(), alarm: true, why: always,
		lead: lead.String(), button: m.Say.MailReusedButton(), act: act,
	}
}

func (m Mail) passwordWords(always string) wording {
	w := wording{
		subject: m.Say.MailPasswordChangedSubject(), heading: m.Say.MailPasswordChangedHeading(), alarm: true, why: always,
		lead: m.Say.MailPasswordChangedLead(), button: m.Say.MailNotMe(), act: m.Say.MailPasswordChangedAct(),
	}
	if m.Operator {
		w.lead, w.act, w.button = m.Say.MailPasswordChangedLeadOperator(), m.Say.MailPasswordChangedActOperator(), m.Say.MailPasswordChangedButtonOperator()
	}
	if m.First {
		w.subject, w.heading = m.Say.MailPasswordFirstSubject(), m.Say.MailPasswordFirstHeading()
		w.lead, w.act = m.Say.MailPasswordFirstLead(), m.Say.MailPasswordFirstAct()
	}
	return w
}

// facts are what is known about the act, in the order in which one asks.
func (m Mail) facts() []Fact {
	list := m.addresses()
	if !m.Since.IsZero() {
		return append(list, m.signIns()...)
	}
	if m.Words != "" {
		list = append(list, Fact{m.Say.MailFactMessage(), m.Words})
	}
	list = append(list, m.factorFacts()...)
	if !m.unconfirmed() {
		if m.Device != "" {
			list = append(list, Fact{m.Say.MailFactDevice(), m.named(m.Device)})
		}
		if m.Agent != "" && m.Agent != m.Device && m.Copied == nil {
			list = append(list, Fact{m.Say.MailFactAgent(), m.Say.Program(m.Agent)})
		}
	}
	list = append(list, m.Copied.facts(m.Say)...)
	list = append(list, Fact{m.Say.MailFactWhen(), m.exact(m.At)})
	if m.Address != "" && m.Copied == nil {
		label := m.Say.MailFactAddress()
		if m.Place.Country != "" {
			label = m.Say.MailFactWhere()
		}
		list = append(list, Fact{label, placed(m.Say, m.Address, m.Place)})
	}
	return list
}

// signIns are the lines of a summary.
func (m Mail) signIns() (list []Fact) {
	for _, in := range m.SignIns {
		line, address := m.quoted(in.Device), placed(m.Say, in.Address, in.Place)
		switch agent := in.Agent != "" && in.Agent != in.Device; {
		case agent && in.Address != "":
			line = m.Say.MailSignInsLine(line, in.Agent, address).String()
		case agent:
			line = m.Say.MailSignInsLineProgram(line, in.Agent).String()
		case in.Address != "":
			line = m.Say.MailSignInsLineAddress(line, address).String()
		}
		list = append(list, Fact{m.Say.WhenMoment(dayOf(in.At), monthOf(m.Say, in.At), in.At.UTC().Format("15:04")), m.direction() + line})
	}
	if more := m.Total - len(m.SignIns); more > 0 {
		list = append(list, Fact{m.Say.MailFactLater(), m.Say.MailMoreSignIns(more)})
	}
	return list
}

// exact is a moment as mails write it.
func (m Mail) exact(t time.Time) string { return exact(m.Say, t) }

func (m Mail) until() string { return m.Say.MailUntil(m.exact(m.Until)) }

// Text is the mail for programs that show no HTML, and for people who would rather read it so.
func (m Mail) Text() string {
	w := m.words()
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n%s\n\n", w.heading, fold(plain(w.lead)))
	if w.code != "" {
		fmt.Fprintf(&b, "    %s\n\n%s\n\n", w.code, fold(w.expiry))
	}
	if m.Former != nil {
		for _, text := range m.formerly().summary() {
			fmt.Fprintf(&b, "%s\n\n", fold(plain(text)))
		}
	}
	for _, f := range m.facts() {
		fmt.Fprintf(&b, " %-19s %s\n", m.Say.MailLabel(f.Name), strings.ReplaceAll(foldAt(56, plain(f.Value)), "\n", "\n"+strings.Repeat(" ", 21)))
	}
	b.WriteString("\n")
	if m.Link != "" {
		fmt.Fprintf(&b, "%s\n\n%s\n%s\n\n%s\n\n", fold(w.act), m.Say.MailLabel(w.button), m.Link, fold(m.until()))
	}
	for _, p := range w.after {
		fmt.Fprintf(&b, "%s\n\n", fold(p.text))
	}
	b.WriteString("-- \n")
	if m.Say.Branded() {
		fmt.Fprintf(&b, "%s\n", m.Say.Brand())
	}
	fmt.Fprintf(&b, "%s\n", fold(w.why))
	if !m.linkless() {
		fmt.Fprintf(&b, "%s\n", m.Base)
	}
	for _, l := range m.brandLinks() {
		fmt.Fprintf(&b, "%s %s\n", m.Say.MailLabel(l.text), l.url)
	}
	return b.String()
}

// plain leaves out of a name what would break a line, or turn it around: the person who signs in chooses the name.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control) {
			return -1
		}
		return r
	}, s)
}

// The marks that open and close an isolate (UAX #9 §2.4).
const (
	leftToRightIsolate = "\u2066"
	firstStrongIsolate = "\u2068"
	popIsolate         = "\u2069"
)

// contained is a text whose isolates all end, none before it began, and that has no paragraph separator: it cannot
// leave the <bdi> around it and turn around what follows. Pages have a class for such texts; programs that show mails know
// no style for certain.
func contained(s string) string {
	open, stray := 0, 0
	for _, r := range s {
		switch mark := string(r); {
		case mark >= leftToRightIsolate && mark <= firstStrongIsolate:
			open++
		case mark == popIsolate && open > 0:
			open--
		case mark == popIsolate:
			stray++
		}
	}
	s = strings.Repeat(firstStrongIsolate, stray) + s + strings.Repeat(popIsolate, open)
	return strings.ReplaceAll(s, "\u2029", " ")
}

// direction is a mark that keeps the order of a line in which a name is written the other way.
func (m Mail) direction() string {
	if m.Say.RightToLeft() {
		return "\u200f"
	}
	return "\u200e"
}

// fold breaks lines after 72 characters, at spaces that may break: not every program does.
func fold(s string) string { return foldAt(72, s) }

func foldAt(most int, s string) string {
	var b strings.Builder
	width := 0
	for word := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ' ' || r == '\n' }) {
		n := len([]rune(word))
		switch {
		case width == 0:
		case width+1+n > most:
			b.WriteByte('\n')
			width = 0
		default:
			b.WriteByte(' ')
			width++
		}
		b.WriteString(word)
		width += n
	}
	return b.String()
}
