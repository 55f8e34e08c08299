package views

import "time"

// PasskeyStart is what a passkey ceremony on a page begins with.
type PasskeyStart struct {
	Challenge string // goes back with the browser's answer, in a hidden field; empty where the page has a challenge of its own
	Options   string // JSON: PublicKeyCredentialRequestOptionsJSON, or …CreationOptionsJSON where a passkey is made
}

// Confirm is the part of a form for a sensitive act that asks who is there: a passkey alone, or the password, with a code where the
// account has a second factor. The form sends the password under PasswordField, and "code", "passkey" (the credential as JSON)
// and "challenge" (Passkey.Challenge). What was refused is in Problems.Fields under these names.
type Confirm struct {
	PasswordField string        // empty: "current_password"
	SecondFactor  bool          // the password alone is not enough
	HasCode       bool          // the account has an authenticator app or recovery codes: "code" takes either
	HasApp        bool          // it has an authenticator app
	HasRecovery   bool          // it has recovery codes
	Passkey       *PasskeyStart // nil: the account has no passkey
	Problems      FormProblems  // shown together with the problems of the page, wherever a handler puts them
}

// SecondStepPage is the second step of a sign-in. It posts to /login/verify: "challenge", "method", "code" or "passkey", "trust"
// ("1" when ticked), "next".
type SecondStepPage struct {
	Shell
	Signed    *Account // who is signed in on this browser, and is signed out by this sign-in; nil: no one, as a rule
	Challenge string   // public id of the challenge in the browser's cookie
	Methods   []string // what the account can use: "passkey", "totp", "recovery_code"
	Method    string   // the one that the page asks for; the others are links, ?method=
	Passkey   *PasskeyStart
	CanTrust  bool // "Trust this browser for 30 days" is offered; never shown with a recovery code
	Closed    bool // too many wrong codes in a row: the authenticator app is not accepted for now
	Next      string
	Problems  FormProblems // fields "code", "passkey"; a summary says how many attempts are left
	Ended     bool         // the challenge is over: nothing but the way back to the sign-in form is shown
}

// SecurityPage is the overview of what protects the account. Each row leads to its page.
type SecurityPage struct {
	Shell
	Now             time.Time
	PasswordChanged time.Time // zero: not known, or never
	SecondStep      bool      // a second factor is asked for at sign-in
	Passkeys        []string  // names
	App             bool      // an authenticator app is set up
	AppSince        time.Time
	AppClosed       bool          // too many wrong codes in a row
	CodesLeft       int           // recovery codes that were not used
	Browsers        int           // trusted ones
	Mail            bool          // mails are sent here: without mail no address can be confirmed
	WaysBack        int           // former addresses that can still take the account back
	Pending         *PendingEmail // nil: no address waits for its confirmation
}

// PendingEmail is an address that becomes the account's once its link is used. "Cancel" posts to /security/email/cancel.
type PendingEmail struct {
	Email string
	Until time.Time // when the link expires
}

// PasswordPage changes the password. It posts to /security/password: "new_password", "next" and the fields of Confirm.
type PasswordPage struct {
	Shell
	Next        string // local path to go on to; may be empty
	PasswordMin int    // characters
	Confirm     Confirm
	Problems    FormProblems
}

// EmailPage asks for another e-mail address. It posts to /security/email: "email" and the fields of Confirm, whose PasswordField is
// "password".
type EmailPage struct {
	Shell
	Mail     bool   // mails are sent here: without mail no address can be confirmed
	Email    string // as it was typed
	Confirm  Confirm
	Problems FormProblems
}

// WaysBackPage lists the addresses that can take the account back. It posts to /security/ways-back: the fields of Confirm.
type WaysBackPage struct {
	Shell
	WaysBack []WayBack
	CanEnd   bool // some of them are to addresses that the account came to later than its present one
	Confirm  Confirm
	Problems FormProblems
}

// Passkey is one row of the passkeys page.
type Passkey struct {
	ID      string
	Name    string
	Synced  bool // kept by a password manager, otherwise on one device only
	AddedAt time.Time
	UsedAt  time.Time // zero: never
}

// PasskeysPage lists the passkeys and adds one. Adding posts to /security/passkeys: "name", "new_passkey" (the new credential as JSON),
// "new_challenge" (Add.Challenge), "sign_out_others" ("1" when ticked) and the fields of Confirm. Renaming begins with
// GET /security/passkeys/{id}/rename, removing with GET /security/passkeys/{id}/remove.
type PasskeysPage struct {
	Shell
	Now      time.Time
	Passkeys []Passkey
	Most     int           // how many an account can have
	Add      *PasskeyStart // nil: there are Most already
	Name     string        // of the new one, as it was typed
	Confirm  Confirm
	Problems FormProblems // of adding: fields "name", "new_passkey" and those of Confirm
}

// PasskeyRenamePage asks for another name of a passkey. It posts to Action: "name" and the fields of Confirm.
type PasskeyRenamePage struct {
	Shell
	Action   string // "/security/passkeys/{id}/rename"
	Name     string // that it has
	Typed    string // the new one, as it was typed
	Confirm  Confirm
	Problems FormProblems // fields "name" and those of Confirm
}

// FactorRemovePage asks before a passkey or the authenticator app is removed. It posts to Action: "sign_out_others" and the fields of
// Confirm.
type FactorRemovePage struct {
	Shell
	Action   string // "/security/passkeys/{id}/remove" or "/security/app/remove"
	App      bool   // the authenticator app, otherwise a passkey
	Name     string // of the passkey
	Last     bool   // the password alone is then enough to sign in; the recovery codes go, too
	Refused  bool   // it is the last one, and the operator requires one: nothing is asked
	Confirm  Confirm
	Problems FormProblems
}

// AppSetup is a new secret for an authenticator app.
type AppSetup struct {
	QR     string // data: URL of an image
	Secret string // base32, in groups of four
	URL    string // otpauth://, for a person who reads this on the phone that has the app; may be empty
	Sealed string // goes back in the hidden field "setup"
}

// AppPage sets up, shows or leads to the removal of the authenticator app. Setting up posts to /security/app: "setup" (Setup.Sealed),
// "app_code" (the new app's first code), "sign_out_others" and the fields of Confirm.
type AppPage struct {
	Shell
	Now      time.Time
	Setup    *AppSetup // nil: it is on
	Since    time.Time
	UsedAt   time.Time // zero: never
	Closed   bool      // too many wrong codes in a row
	Confirm  Confirm
	Problems FormProblems // fields "app_code" and those of Confirm
}

// CodesPage tells how many recovery codes are left, and makes new ones. It posts to /security/codes: the fields of Confirm.
type CodesPage struct {
	Shell
	Now        time.Time
	SecondStep bool // without a passkey or an app there is nothing to recover
	Left       int
	MadeAt     time.Time // zero: there are none
	Confirm    Confirm
	Problems   FormProblems
}

// RecoveryCodesPage shows new recovery codes, once.
type RecoveryCodesPage struct {
	Shell
	Codes    []string
	MadeAt   time.Time
	Replaced bool   // old ones have just stopped working
	Next     string // local path to go on to; empty: /security
}

// TrustedBrowser is one row of the page of browsers that need no second step.
type TrustedBrowser struct {
	ID        string
	Name      string // "Firefox on Linux"
	Current   bool
	AddedAt   time.Time
	Address   string // where it was last used
	Place     Place
	UsedAt    time.Time // zero: never
	ExpiresAt time.Time
}

// TrustedBrowsersPage lists them. Ending posts to /security/browsers/{id}/end, for all to /security/browsers/end.
type TrustedBrowsersPage struct {
	Shell
	Now      time.Time
	Browsers []TrustedBrowser
}

// SetupPage leads through the set-up of a second factor. Its forms post what PasskeysPage, AppPage and CodesPage do, to the same paths,
// with "guided" = "1", "next" and, where NeedsCode, "enrol_code".
type SetupPage struct {
	Shell
	Required  bool // nothing else can be done before; otherwise the person chose to begin
	Staff     bool // it is required of the support staff
	NeedsCode bool // the code that was mailed, or that the operator handed out
	CanMail   bool // a button mails that code: a form that posts to /security/setup/code: "next", "method"
	Mailed    bool // it was mailed just now
	Enrol     string
	Codes     bool          // the second part: a factor is there, recovery codes are to be made
	Add       *PasskeyStart // of a passkey
	App       *AppSetup     // nil while the person has not chosen the app: a link, ?method=app, leads to it
	Ticket    string        // proof of the sign-in that led here, in the hidden field "ticket"; may be empty
	Confirm   *Confirm      // nil: that proof is enough
	Next      string        // local path to go on to; may be empty
	Problems  FormProblems  // fields "enrol_code", "name", "new_passkey", "app_code" and those of Confirm
}

// SecurePage is "Secure your account": what to do after an alarm, in order.
type SecurePage struct {
	Shell
	Others       int  // devices besides this one
	DevicesDone  bool // looked through, or none but this one
	PasswordDone bool // changed since the alarm
	SecondStep   bool // on
}
