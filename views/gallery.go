package views

import (
	"strings"
	"time"

	"github.com/a-h/templ"
)

// State is one page in one state.
type State struct {
	Name      string // "devices/many": the page, then what is particular
	Component templ.Component
}

// Gallery is every page in every state, with made-up and hostile data: for tests to
// check and for people to look at. Its data is the same at every call.
func Gallery(assets Assets) []State {
	g := gallery{assets: assets, now: time.Date(2026, time.November, 3, 14, 5, 9, 0, time.UTC)}
	var states []State
	for _, part := range [][]State{g.signedOut(), g.devices(), g.questions(), g.account(), g.support(), g.links(), g.errors(), g.docs()} {
		states = append(states, part...)
	}
	return states
}

// Mails is every mail in every state. They are no pages: their style stands in them, and their links are whole.
func Mails() []State {
	g := gallery{now: time.Date(2026, time.November, 3, 14, 5, 9, 0, time.UTC)}
	var states []State
	for _, m := range g.mails() {
		states = append(states, State{"mail/" + m.name, Letter(m.mail)})
	}
	return states
}

// What people and attackers call things.
const (
	hostile     = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>`
	rightToLeft = "هاتف ليلى الجديد"
	override    = "Pixel \u202egnp.exe" // a right-to-left override must not turn the rest of the row around
	emoji       = "🏝️ Beach phone 👩‍👩‍👧‍👦"
)

var (
	longWord  = strings.Repeat("W", 64)
	longWords = "The tablet in the kitchen that everybody uses to look up recipes"
)

type gallery struct {
	assets Assets
	now    time.Time
}

// in is the shell of a signed-in page, out that of a signed-out one.
func (g gallery) in(title, active string) Shell {
	return Shell{Title: title, Active: active, Assets: g.assets, Account: &Account{Email: "leila.haddad@example.org"}}
}

func (g gallery) out(title string) Shell {
	return Shell{Title: title, Assets: g.assets, SignupOpen: true}
}

func (g gallery) ago(d time.Duration) time.Time { return g.now.Add(-d) }

func (g gallery) signedOut() []State {
	shut := g.out("Sign in")
	shut.SignupOpen = false
	shut.Flash = &Flash{Tone: ToneInfo, Text: "You are signed out."}
	wrong := FormProblems{Summary: "The e-mail address or the password is not right."}
	bad := FormProblems{Summary: "The account was not created.", Fields: map[string]string{
		"email":    "An e-mail address looks like name@example.org.",
		"password": "This password is one of the most common ones. Choose another.",
	}}
	only := FormProblems{Fields: map[string]string{"password": "At least 12 characters are needed."}}
	return []State{
		{"login/empty", Login(LoginPage{Shell: g.out("Sign in")})},
		{"login/next", Login(LoginPage{Shell: g.out("Sign in"), Next: "/devices/9?a=1&b=2"})},
		{"login/signup closed", Login(LoginPage{Shell: shut})},
		{"login/refused", Login(LoginPage{Shell: g.out("Sign in"), Email: "leila@example.org", Problems: wrong})},
		{"login/hostile", Login(LoginPage{Shell: g.out("Sign in"), Email: hostile, Next: "/" + hostile, Problems: FormProblems{Summary: hostile}})},
		{"signup/empty", Signup(SignupPage{Shell: g.out("Create an account"), PasswordMin: 12})},
		{"signup/refused", Signup(SignupPage{Shell: g.out("Create an account"), PasswordMin: 12, Email: "leila@", Next: "/security", Problems: bad})},
		{"signup/one field refused", Signup(SignupPage{Shell: g.out("Create an account"), PasswordMin: 12, Email: "leila@example.org", Problems: only})},
	}
}

func (g gallery) errors() []State {
	page := func(shell Shell, status int, heading, text string) State {
		shell.Title = heading
		return State{"error/" + heading, Error(ErrorPage{
			Shell: shell, Status: status, Heading: heading, Text: text, RequestID: "01JBV2M4Q8",
		})}
	}
	in, out := g.in("", ""), g.out("")
	states := []State{
		page(in, 403, "That was not allowed", "The request did not come from one of our own pages, so nothing was changed."),
		page(in, 404, "There is nothing here", "The page does not exist, or the device has been signed out already."),
		page(out, 413, "That was too much", "What you sent is larger than we accept."),
		page(out, 429, "Too many attempts", "Please wait a minute, then try again."),
		page(in, 500, "Something went wrong", "It is our fault, not yours. Nothing you did was lost; please try again."),
		page(out, 503, "We are busy", "Please try again in a few seconds."),
		page(out, 400, hostile, hostile),
	}
	bare := ErrorPage{Shell: g.out("Error"), Heading: "Something went wrong", BackURL: "javascript:alert(1)"}
	return append(states, State{"error/bare", Error(bare)})
}
