package views

import (
	"time"

	"latchkey/views/catalog"
)

// Shell is what every page shares: title, navigation, message, asset addresses.
type Shell struct {
	Title      string
	Active     string   // the navigation entry to mark: "devices", "activity", "security" or "support"; empty on signed-out pages
	Account    *Account // nil when no one is signed in
	Flash      *Flash   // nil when there is nothing to tell
	Assets     Assets
	SignupOpen bool
	// PasswordOffer is where "Later" leads back to, when the password of this sign-in is a common one; empty: nothing is offered.
	PasswordOffer string
	Clock         time.Time // the server's time, from which scripts keep relative times fresh; zero: they stay as they are
	// Languages are what the person may choose from, and Here is where the choice leads back to. Fewer than two: there is no choice.
	Languages []catalog.Printer
	Here      string
	Brand     Brand
	Refused   bool // the page shows a form that was refused
}

// Brand is what the operator puts in the place of ours, beside the name, which the printer knows.
type Brand struct {
	Logo *Logo // nil: no logo
	// URLs of what stands at the bottom of pages and mails; empty: no such link.
	Support, Terms, Privacy, Imprint string
}

// Logo is a picture, with its size in pixels of CSS.
type Logo struct {
	URL           string
	Width, Height int
	Wide          bool // it has the form of a word: the name is not written beside it
}

// Account is the signed-in person as the page header shows them.
type Account struct {
	ID      string // every form carries it: see madeFor
	Email   string
	Support bool // a member of the support staff: the way to the support desk is shown
}

// Tone colours a message.
type Tone string

// The tones a message can have.
const (
	ToneSuccess Tone = "success"
	ToneInfo    Tone = "info"
	ToneError   Tone = "error"
)

// Flash is a message shown once, after a redirect.
type Flash struct {
	Tone   Tone
	Text   string
	Names  []string // stand in Text for each %s
	Detail string   // what else to know, in smaller type; may be empty
	Email  string   // fills in the sign-in form, where that is the next page
	// Devices are the ids of those that it is about. Where the next page lists them, it is shown there.
	Devices []string
	Next    *Link // what to do next; nil: nothing
}

// Link leads to another page of ours.
type Link struct{ URL, Text string }

// Assets are the content-hashed URLs of the embedded files.
type Assets struct {
	Styles   []string
	Script   string
	Icons    []Icon
	Touch    string // the icon of iOS; may be empty
	Manifest string
	Grounds  []Ground
}

// Icon stands for the site, in tabs and on home screens.
type Icon struct{ URL, Type, Sizes string }

// Ground is what browsers surround a page with, by its colour scheme: "light" or "dark".
type Ground struct{ Scheme, Colour string }

// FormProblems carries what the server refused: one sentence for the top of the form and one for each field, by field name.
type FormProblems struct {
	Summary string
	Names   []string // stand in Summary for each %s
	Fields  map[string]string
}

// LoginPage is the sign-in form.
type LoginPage struct {
	Shell
	Signed   *Account // who was signed in on this browser when the form was made; nil: no one, as a rule
	Email    string
	Next     string        // local path to go on to; may be empty
	App      string        // that the person signs in to; empty: the portal alone
	Passkey  *PasskeyStart // of the passkey form, which posts "passkey", "challenge" and "next" to /login/passkey; nil: no such form
	Problems FormProblems
}

// SignupPage is the sign-up form.
type SignupPage struct {
	Shell
	Action      string // of the confirmation: the link's own page
	Email       string
	Next        string
	PasswordMin int    // characters
	Life        string // how long the link is good, in words
	Problems    FormProblems
}

// Alert is a warning that stays until it is dismissed.
type Alert struct {
	Theft   bool   // a copied token was found out; otherwise answers were lost too often
	Device  string // its name
	ID      string // of the device
	At      time.Time
	Address string // of the request that caused it; may be empty
	Place   Place
	Copied  *CopiedSignIn // of a theft; nil: not known
}

// RenameRefusal is a refused new name, kept so that the person can correct it.
type RenameRefusal struct {
	DeviceID string
	Value    string
	Problem  string
}

// Bound is how long an access token that was handed out before may be trusted after its device was signed out, in words.
type Bound struct {
	Most      string // "30 seconds": by services that check for sign-outs
	Unchecked string // "15 minutes": by the others; empty when all are alike
}

// RevokePage asks whether one device is to be signed out.
type RevokePage struct {
	Shell
	Now     time.Time
	Device  Device
	Unknown bool // the owner does not recognise it: a change of password follows
	Bound   Bound
}

// RevokeOthersPage asks whether every other device is to be signed out.
type RevokeOthersPage struct {
	Shell
	Secure  bool // "Secure your account" led here, and is where the form goes on to
	Now     time.Time
	Devices []Device // the most recently active ones
	More    int      // that are not listed
	Bound   Bound
}

// Event is one line of the activity page.
type Event struct {
	Text    string   // a plain sentence: "Signed in on “%s”."
	Names   []string // stand in Text for each %s
	Device  string   // the name of the device that it concerns
	Page    string   // the path of that device's page; empty: it has no page, or this is it
	Alarm   bool     // deserves attention: reuse found, failed sign-in
	At      time.Time
	Agent   string // may be empty
	Address string // may be empty
	Place   Place
	Copied  *CopiedSignIn // shown in place of Agent and Address; nil: it is about no copied sign-in, or its uses are not known
	Reason  string        // why support looked, in the words of the staff member; may be empty
}

// ActivityPage lists the account's events, newest first.
type ActivityPage struct {
	Shell
	Now     time.Time
	Filters []Filter
	Events  []Event
	Older   string // URL of the next page; empty on the last
	Newest  string // URL of the first page; empty on it
}

// Filter is one choice of what the activity shows.
type Filter struct {
	Text   string
	URL    string
	Active bool
}

// GalleryPage lists the states of Gallery.
type GalleryPage struct {
	Shell
	States    []State
	Languages []string // tags
	Language  string   // the one in which the states are shown; empty: the reader's
}

// ChoosePasswordPage replaces a generated password by one of its owner's.
type ChoosePasswordPage struct {
	Shell
	Next        string // local path to go on to; may be empty
	PasswordMin int    // characters
	Confirm     Confirm
	Problems    FormProblems
}

// WayBack is an address that can take the account back.
type WayBack struct {
	Email string
	Until time.Time
}

// EmailConfirmPage asks before a new address becomes the account's.
type EmailConfirmPage struct {
	Shell
	Action   string // the link's own page
	From, To string
	Taken    bool         // another account has the new address by now
	Problems FormProblems // why it did not
}

// EmailUndoPage asks before an account gets a former address back.
type EmailUndoPage struct {
	Shell
	Action string // the link's own page
	Email  string
}

// LockedPage says that a link has locked the account, and offers a mail with a link to a new password.
type LockedPage struct {
	Shell
	Action   string
	Email    string // the account's address, whole or veiled; may be empty
	Moved    bool   // the account has another address by now, to which that mail would go
	Problems FormProblems
}

// AccountDataPage asks for the password before the account's data is downloaded.
type AccountDataPage struct {
	Shell
	Confirm  Confirm
	Problems FormProblems
}

// AccountDeletePage asks before the account is deleted.
type AccountDeletePage struct {
	Shell
	Email    string    // as it was typed
	Staff    bool      // one of the support staff: may not
	From     time.Time // when it will be possible: a former address can take the account back until then; zero: now
	Mail     bool      // mails are sent here
	Bound    Bound
	Confirm  Confirm
	Problems FormProblems
}

// PasswordResetRequestPage asks for the address of a forgotten account, and says where to look.
type PasswordResetRequestPage struct {
	Shell
	Email    string
	Mail     bool   // mails are sent here
	Life     string // how long the link is good, in words: "30 minutes"
	Problems FormProblems
}

// PasswordResetPage asks for a new password.
type PasswordResetPage struct {
	Shell
	Action      string // the link's own page
	Email       string
	PasswordMin int // characters
	Problems    FormProblems
}

// NotMePage asks before the link of an alarm is used.
type NotMePage struct {
	Shell
	Action string // the link's own page
	Email  string // the account's address, masked; may be empty
	Device string // the one that is signed out
	// Factor is the passkey or app that the alarm is about: it is removed, with every later one, and with all devices since.
	Factor *NotMeFactor
	Since  time.Time // all devices that signed in from then on are signed out; without either, every device is
	At     time.Time // when the device signed in, or the factor was added; otherwise when the link was mailed
}

// NotMeFactor is a factor that someone added.
type NotMeFactor struct {
	Gone bool   // it was removed before; what else the link does remains
	App  bool   // the authenticator app, otherwise a passkey
	Name string // of the passkey
}

// OutboxPage shows mails that were written into files.
type OutboxPage struct {
	Shell
	Mails []OutboxMail
}

// OutboxMail is one of them.
type OutboxMail struct {
	ID, To, Subject, Text string
	At                    time.Time
}

// ErrorPage tells what went wrong and where to go on.
type ErrorPage struct {
	Shell
	Status    int
	Heading   string
	Text      string
	Names     []string // stand in Text for each %s
	RequestID string
	BackURL   string
	BackText  string
	Detail    string // in English, for the developers of an app
	Quiet     bool   // what to do first is not behind the button
}
