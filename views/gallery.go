package views

import (
	"strings"
	"time"

	"github.com/a-h/templ"

	"latchkey/views/catalog"
)

// State is one page in one state.
type State struct {
	Name      string // "devices/many": the page, then what is particular
	Component templ.Component
}

// Path is where the gallery shows the state.
func (s State) Path() string { return "/gallery/" + strings.ReplaceAll(s.Name, " ", "-") }

func (p GalleryPage) path(s State) string {
	if p.Language == "" {
		return s.Path()
	}
	return s.Path() + "?lang=" + p.Language
}

// Gallery is every page in every state, with made-up and hostile data: for tests to
// check and for people to look at. Its data is the same at every call.
func Gallery(assets Assets) []State { return GalleryIn(catalog.Printer{}, assets) }

// GalleryIn is Gallery with the data as a handler gives it in another language. The states are rendered with a context of
// catalog.With.
func GalleryIn(p catalog.Printer, assets Assets) []State { return GalleryOf(p, assets, Brand{}) }

// GalleryOf is GalleryIn for an operator's brand, whose name is the printer's.
func GalleryOf(p catalog.Printer, assets Assets, brand Brand) []State {
	g := gallery{say: p, assets: assets, brand: brand, now: time.Date(2026, time.November, 3, 14, 5, 9, 0, time.UTC)}
	var states []State
	for _, part := range [][]State{g.signedOut(), g.secondSteps(), g.consents(), g.factors(), g.devices(), g.warnings(), g.lists(), g.stories(), g.questions(), g.since(), g.logouts(), g.account(), g.deviceCodes(), g.support(), g.links(), g.places(), g.errors(), g.docs(), g.brands(), {g.index()}} {
		states = append(states, part...)
	}
	return states
}

// Mails is every mail in every state. They are no pages: their style stands in them, and their links are whole.
func Mails() []State { return MailsIn(catalog.Printer{}) }

// MailsIn is Mails in another language.
func MailsIn(p catalog.Printer) []State { return MailsOf(p, Assets{}, Brand{}) }

// MailsOf is MailsIn for an operator's brand, whose name is the printer's. The assets have its logo.
func MailsOf(p catalog.Printer, assets Assets, brand Brand) []State {
	g := gallery{say: p, assets: assets, brand: brand, now: time.Date(2026, time.November, 3, 14, 5, 9, 0, time.UTC)}
	var states []State
	for _, m := range g.mails() {
		states = append(states, State{"letter/" + m.name, HTMLMail(m.mail)})
	}
	return states
}

// What people and attackers call things.
const (
	hostile       = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>`
	rightToLeft   = "هاتف ليلى الجديد"
	override      = "Pixel \u202egnp.exe"                   // a right-to-left override must not turn the rest of the row around
	breakout      = "Pixel \u2069\u202egnp\u2067.exe\u2066" // isolates that end too early and too late
	invisibleName = "\u200b\u2060\u2800"                    // nothing is seen of it
	emoji         = "🏝️ Beach phone 👩‍👩‍👧‍👦"
)

var (
	longWord  = strings.Repeat("W", 64)
	longWords = "The tablet in the kitchen that everybody uses to look up recipes"
)

type gallery struct {
	say    catalog.Printer // plays the handlers' part
	assets Assets
	brand  Brand
	now    time.Time
}

// in is the shell of a signed-in page, out that of a signed-out one.
func (g gallery) in(title, active string) Shell {
	return Shell{Title: title, Active: active, Assets: g.assets, Brand: g.brand, Clock: g.now, Account: &Account{ID: "0192d3c4-0000-7000-8000-000000000001", Email: "leila.haddad@example.org"}}
}

func (g gallery) out(title string) Shell {
	return Shell{Title: title, Assets: g.assets, Brand: g.brand, SignupOpen: true}
}

func (g gallery) ago(d time.Duration) time.Time { return g.now.Add(-d) }

func (g gallery) signedOut() []State {
	shut := g.out(g.say.LoginTitle())
	shut.SignupOpen = false
	shut.Flash = &Flash{Tone: ToneInfo, Text: g.say.LogoutDone()}
	filled := g.out(g.say.LoginTitle())
	filled.Flash = &Flash{Tone: ToneSuccess, Text: g.say.ResetDone()}
	wrong := FormProblems{Summary: g.say.Error("The e-mail address or password is wrong.")}
	bad := FormProblems{Summary: g.say.Error("Some fields aren’t valid. Check them and try again."), Fields: map[string]string{
		"email":    g.say.Error("This isn’t a valid e-mail address. Enter one like name@example.com."),
		"password": g.say.Error("Choose another password. This one is among the first that attackers try."),
	}}
	someone := g.say.LoginOtherPerson("leila.haddad@example.org")
	choice, _ := catalog.NewChoice(nil, []string{catalog.Source, catalog.PseudoLong, catalog.PseudoRightToLeft})
	offered := g.out(g.say.LoginTitle())
	offered.Languages, offered.Here = choice.Offered(), "/login"
	only := FormProblems{Fields: map[string]string{"password": g.say.Error("Use at least 12 characters.")}}
	return []State{
		{"login/empty", Login(LoginPage{Shell: g.out(g.say.LoginTitle())})},
		{"login/languages", Login(LoginPage{Shell: offered})},
		{"login/passkey", Login(LoginPage{Shell: g.out(g.say.LoginTitle()), Passkey: askedPasskey, Next: "/activity"})},
		{"login/passkey refused", Login(LoginPage{Shell: g.out(g.say.LoginTitle()), Passkey: askedPasskey, Problems: FormProblems{
			Summary: g.say.LoginPasskeyUnknown()}})},
		{"login/next", Login(LoginPage{Shell: g.out(g.say.LoginTitle()), Next: "/devices/9?a=1&b=2"})},
		{"login/signup closed", Login(LoginPage{Shell: shut})},
		{"login/filled in", Login(LoginPage{Shell: filled, Email: "leila.haddad@example.org"})},
		{"login/refused", Login(LoginPage{Shell: g.out(g.say.LoginTitle()), Email: "leila@example.org", Problems: wrong})},
		{"login/somebody signed in", Login(LoginPage{Shell: g.out(g.say.LoginTitle()), Signed: &Account{ID: "0192d3c4-0000-7000-8000-000000000001"}, Email: "sam@example.org",
			Problems: FormProblems{Summary: someone.Text, Names: someone.Names}})},
		{"login/hostile", Login(LoginPage{Shell: g.out(g.say.LoginTitle()), Email: hostile, Next: "/" + hostile, Problems: FormProblems{Summary: hostile}})},
		{"signup/empty", Signup(SignupPage{Shell: g.out(g.say.SignupTitle()), PasswordMin: 12})},
		{"signup/refused", Signup(SignupPage{Shell: g.out(g.say.SignupTitle()), PasswordMin: 12, Email: "leila@", Next: "/security", Problems: bad})},
		{"signup/one field refused", Signup(SignupPage{Shell: g.out(g.say.SignupTitle()), PasswordMin: 12, Email: "leila@example.org", Problems: only})},
	}
}

func (g gallery) errors() []State {
	page := func(name string, shell Shell, status int, heading, text string) State {
		shell.Title = heading
		return State{"error/" + name, Error(ErrorPage{
			Shell: shell, Status: status, Heading: heading, Text: text, RequestID: "01JBV2M4Q8",
		})}
	}
	again := func(name string, shell Shell, status int, heading, text string) State {
		shell.Title = heading
		return State{"error/" + name, Error(ErrorPage{
			Shell: shell, Status: status, Heading: heading, Text: text, RequestID: "01JBV2M4Q8", BackURL: "/activity", BackText: g.say.ErrorTryAgain(),
		})}
	}
	in, out := g.in("", ""), g.out("")
	signedIn := g.say.ErrorOtherAccountText("leila.haddad@example.org")
	other := ErrorPage{Shell: g.in(g.say.ErrorOtherAccount(), ""), Status: 409, Heading: g.say.ErrorOtherAccount(), Text: signedIn.Text, Names: signedIn.Names,
		BackURL: "/devices", BackText: g.say.ErrorOtherAccountBack(), RequestID: "01JBV2M4Q8"}
	hostileOther := other
	hostileOther.Names = []string{override + longWord + "@example.org"}
	old := ErrorPage{Shell: g.in(g.say.ErrorOutOfDate(), ""), Status: 409, Heading: g.say.ErrorOutOfDate(), BackURL: "/devices", RequestID: "01JBV2M4Q8",
		Text: g.say.ErrorOutOfDateText()}
	states := []State{
		{"error/another account", Error(other)},
		{"error/another account hostile", Error(hostileOther)},
		{"error/page out of date", Error(old)},
		page("not allowed", in, 403, g.say.ErrorHeadingForbidden(), g.say.Error("This request came from another website, so we stopped it. Open this website yourself and try again.")),
		page("nothing here", in, 404, g.say.ErrorHeadingNotFound(), g.say.Error("We can’t find this device. It may already be signed out.")),
		page("nothing here, signed out", out, 404, g.say.ErrorHeadingNotFound(), g.say.Error("This page doesn’t exist. Check the link and try again.")),
		page("not like this", in, 405, g.say.ErrorHeadingRefused(), g.say.Error("This page can’t be opened that way.")),
		page("too much", out, 413, g.say.ErrorHeadingTooLarge(), g.say.Error("What you entered is larger than 64 KiB. Shorten it and try again.")),
		again("too many attempts", out, 429, g.say.ErrorHeadingTooMany(), g.say.WaitMinutes(15)),
		again("our fault", in, 500, g.say.ErrorHeadingRefused(), g.say.Error("Something went wrong on our side.")+" "+g.say.WaitSeconds(5)),
		page("our fault with a form", in, 500, g.say.ErrorHeadingRefused(), g.say.Error("Something went wrong on our side.")+" "+g.say.ErrorGoBack()),
		again("busy", out, 503, g.say.ErrorHeadingUnavailable(), g.say.Error("The service isn’t available right now.")+" "+g.say.WaitSeconds(2)),
		{"error/hostile", Error(ErrorPage{Shell: g.out(g.say.ErrorHeadingRefused()), Status: 400, Heading: hostile, Text: hostile, RequestID: "01JBV2M4Q8"})},
	}
	dead := func(name, heading, text string) State {
		return State{"error/" + name, Error(ErrorPage{Shell: g.out(heading), Status: 410, Heading: heading, Text: g.say.Error(text), RequestID: "01JBV2M4Q8", BackURL: "/forgot", BackText: g.say.ErrorNewLink()})}
	}
	elsewhere := g.say.TextTwo(g.say.Error("This link was opened in another browser, or too long ago. Open it from the e-mail again. Nothing was changed."), g.say.ErrorOrNewLink())
	states = append(states,
		dead("dead link", g.say.ErrorHeadingGone(), "It was already used or cancelled, it has expired, or it wasn’t copied in full. Nothing was changed."),
		State{"error/link of another browser", Error(ErrorPage{
			Shell: g.out(g.say.ErrorHeadingFollowAgain()), Status: 410, Heading: g.say.ErrorHeadingFollowAgain(), Text: elsewhere, RequestID: "01JBV2M4Q8",
			BackURL: "/forgot", BackText: g.say.ErrorNewLink(), Quiet: true,
		})},
	)
	bare := ErrorPage{Shell: g.out(g.say.ErrorHeadingRefused()), Heading: g.say.ErrorHeadingRefused(), BackURL: "javascript:alert(1)"}
	return append(states, State{"error/bare", Error(bare)})
}

// index lists the states, itself excepted.
func (g gallery) index() State {
	return State{"gallery/index", GalleryIndex(GalleryPage{Shell: g.out("Gallery"), States: []State{{Name: "login/empty"}, {Name: "devices/many"}, {Name: "devices/a few"}}})}
}
