package views

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// state renders one state of the gallery.
func state(t *testing.T, name string) *html.Node {
	t.Helper()
	for _, s := range Gallery(testAssets) {
		if s.Name == name {
			return render(t, s.Component)
		}
	}
	t.Fatalf("no state %q", name)
	return nil
}

func TestSignInForm(t *testing.T) {
	doc := state(t, "login/empty")
	form := one(t, doc, "form", "action", "/login", "method", "post")
	one(t, form, "input", "name", "email", "type", "email", "autocomplete", "username")
	one(t, form, "input", "name", "password", "type", "password", "autocomplete", "current-password")
	none(t, form, "input", "name", "next")
	none(t, doc, "", "role", "alert")
	one(t, doc, "a", "href", "/signup")
	none(t, doc, "form", "action", "/logout")
	none(t, doc, "nav")
	none(t, state(t, "login/signup closed"), "a", "href", "/signup")
}

func TestNextIsCarriedOn(t *testing.T) {
	doc := state(t, "login/next")
	one(t, doc, "input", "type", "hidden", "name", "next", "value", "/devices/9?a=1&b=2")
	one(t, doc, "a", "href", "/signup?next=%2Fdevices%2F9%3Fa%3D1%26b%3D2")
	one(t, state(t, "signup/refused"), "a", "href", "/login?next=%2Fsecurity")
}

func TestRefusedFormKeepsWhatWasTypedAndSaysWhy(t *testing.T) {
	doc := state(t, "signup/refused")
	alert := one(t, doc, "div", "class", "notice notice-error", "tabindex", "-1")
	if one(t, doc, "", "id", value(alert, "aria-labelledby")); len(find(doc, "", "role", "alert")) > 0 {
		t.Error("what is there when the page opens is no alert")
	}
	if _, ok := attr(alert, "autofocus"); !ok {
		t.Error("the summary does not take the focus")
	}
	email := one(t, doc, "input", "name", "email", "value", "leila@", "aria-invalid", "true")
	if _, ok := attr(email, "autofocus"); ok {
		t.Error("the field takes the focus from the summary")
	}
	one(t, doc, "", "id", value(email, "aria-describedby"))
	password := one(t, doc, "input", "name", "password", "autocomplete", "new-password", "aria-invalid", "true")
	if got := value(password, "aria-describedby"); got != "password-problem password-hint" {
		t.Errorf("the password is described by %q", got)
	}
	if hint := text(one(t, doc, "", "id", "password-hint")); !strings.HasPrefix(hint, "Use at least 12 characters") {
		t.Errorf("hint %q", hint)
	}
	if alert := text(one(t, state(t, "signup/one field refused"), "div", "class", "notice notice-error")); alert == "" {
		t.Error("a refusal without a summary says nothing at the top")
	}
}

func TestDevicesPage(t *testing.T) {
	doc := state(t, "devices/a few")
	one(t, doc, "a", "href", "/devices/a1/revoke")
	one(t, doc, "a", "href", "/devices/b2/revoke")
	none(t, doc, "a", "href", "/devices/b1/revoke")
	one(t, doc, "a", "href", "/devices/revoke-others")
	one(t, doc, "a", "aria-current", "page", "href", "/devices")
	if n := len(find(doc, "form", "action", "/logout")); n != 2 {
		t.Errorf("%d ways to sign this browser out, want 2: in the header and in its row", n)
	}
	this := one(t, doc, "section", "aria-labelledby", "this-device")
	one(t, this, "form", "action", "/logout")
	one(t, one(t, this, "h3", "class", "device-name"), "a", "href", "/devices/b1")
	for _, d := range find(doc, "details") {
		if _, open := attr(d, "open"); open {
			t.Error("a rename is open that nobody asked for")
		}
	}
	none(t, state(t, "devices/alone"), "a", "href", "/devices/revoke-others")
}

func TestEmptyAppsExplainThemselves(t *testing.T) {
	if s := text(one(t, state(t, "devices/alone"), "div", "class", "empty")); !strings.Contains(s, "leila.haddad@example.org") {
		t.Errorf("%q does not name the account", s)
	}
}

func TestRefusedRenameIsOpenInItsRowOnly(t *testing.T) {
	doc := state(t, "devices/rename refused")
	open := one(t, doc, "details", "open", "*")
	form := one(t, open, "form", "action", "/devices/a1/rename")
	field := one(t, form, "input", "name", "name", "value", "iPad", "maxlength", "64", "aria-invalid", "true")
	if s := text(one(t, form, "", "id", value(field, "aria-describedby"))); s != "Enter at most 64 characters." {
		t.Errorf("beside the field: %q", s)
	}
	if n := len(find(doc, "input", "aria-invalid", "true")); n != 1 {
		t.Errorf("%d fields are invalid, want 1", n)
	}
}

func TestRevokeSaysWhatHappens(t *testing.T) {
	const pass = "may keep working for up to about 30 seconds, and with some services for up to 15 minutes."
	app := state(t, "revoke/app")
	one(t, app, "form", "action", "/devices/a1/revoke", "method", "post")
	one(t, app, "a", "class", "button", "href", "/devices")
	if s := text(one(t, app, "h1")); s != "Sign out “Pixel 9”?" {
		t.Errorf("heading %q", s)
	}
	if !strings.Contains(text(app), pass) {
		t.Error("an app keeps its access for a while, and the page does not say so")
	}
	if !strings.Contains(text(state(t, "revoke/without lists")), "The app may keep working for up to about 15 minutes.") {
		t.Error("without status lists nothing is refused before it expires")
	}
	if strings.Contains(text(state(t, "revoke/browser")), "keep working") {
		t.Error("a browser loses its access at once, and the page says otherwise")
	}
	if !strings.Contains(text(state(t, "revoke/this browser")), "the browser you’re using now") {
		t.Error("signing oneself out is not pointed out")
	}
}

func TestRevokeOthersListsThem(t *testing.T) {
	doc := state(t, "revoke others/many")
	one(t, doc, "form", "action", "/devices/revoke-others", "method", "post")
	if n := len(find(doc, "", "class", "device-name")); n != 11 {
		t.Errorf("%d devices listed, want 11", n)
	}
	if !strings.Contains(text(doc), "Sign out 11 devices") {
		t.Error("the button does not say how many")
	}
	none(t, state(t, "revoke others/none"), "form", "action", "/devices/revoke-others")
}

func TestActivityIsGroupedByDay(t *testing.T) {
	doc := state(t, "activity/first page")
	var headings []string
	for _, h := range find(doc, "h2") {
		headings = append(headings, text(h))
	}
	if got, want := strings.Join(headings, " | "), "Today | Yesterday | Friday, 30 October | Monday, 29 September 2025"; got != want {
		t.Errorf("headings %q, want %q", got, want)
	}
	if n := strings.Count(text(doc), "Warning:"); n != 5 {
		t.Errorf("%d alarms told in words, want 5", n)
	}
	one(t, doc, "a", "href", "/activity?before=7")
	none(t, doc, "a", "rel", "first")
	one(t, state(t, "activity/later page"), "a", "rel", "first", "href", "/activity")
}

func TestPasswordFormTellsManagersWhoseItIs(t *testing.T) {
	doc := state(t, "password/refused")
	form := one(t, doc, "form", "action", "/security/password")
	one(t, form, "input", "autocomplete", "username", "value", "leila.haddad@example.org", "readonly", "*")
	one(t, form, "input", "name", "current_password", "autocomplete", "current-password")
	one(t, form, "input", "name", "new_password", "autocomplete", "new-password", "minlength", "12")
}

// A message is there when the page opens: it takes the focus, because a live region would say nothing.
func TestAMessageTakesTheFocusAndNoPageHasTwoLiveRegions(t *testing.T) {
	for name, class := range map[string]string{"signed out one": "notice notice-success", "told": "notice", "failed": "notice notice-error"} {
		notice := one(t, state(t, "devices/"+name), "div", "class", class, "tabindex", "-1", "autofocus", "*")
		if text(one(t, notice, "", "id", value(notice, "aria-labelledby"))) == "" {
			t.Errorf("%s: the message has no name", name)
		}
	}
	for _, s := range Gallery(testAssets) {
		doc := render(t, s.Component)
		if len(find(doc, "header", "class", "*")) == 0 {
			continue // a mail on show
		}
		one(t, doc, "", "role", "status")
		for _, pair := range [][2]string{{"role", "alert"}, {"aria-live", "*"}} {
			if len(find(doc, "", pair[0], pair[1])) > 0 {
				t.Errorf("%s: another live region", s.Name)
			}
		}
		if n := len(find(doc, "", "autofocus", "*")); n > 1 {
			t.Errorf("%s: %d elements take the focus", s.Name, n)
		}
		for _, b := range find(doc, "", "aria-pressed", "*") {
			if len(find(b, "", "hidden", "*")) > 0 {
				t.Errorf("%s: %q is pressed, and its label changes too", s.Name, text(b))
			}
		}
	}
}

func TestErrorPageLeadsOn(t *testing.T) {
	doc := state(t, "error/nothing here")
	if s := text(one(t, doc, "code")); s != "01JBV2M4Q8" {
		t.Errorf("request id %q", s)
	}
	one(t, one(t, doc, "main"), "a", "href", "/devices")
	again := one(t, one(t, state(t, "error/busy"), "main"), "a", "href", "/activity", "class", "button button-primary")
	if s := text(again); s != "Try again" {
		t.Errorf("the page that could not be shown is offered as %q", s)
	}
	if s := text(state(t, "error/too many attempts")); strings.Contains(s, "Too many attempts.") || !strings.Contains(s, "Try again in 15 minutes.") {
		t.Error("the heading is said twice")
	}
	none(t, one(t, state(t, "error/link of another browser"), "main"), "a", "class", "button button-primary") // the e-mail is what to open
	bare := state(t, "error/bare")
	none(t, bare, "code")
	none(t, bare, "a", "href", "javascript:alert(1)")
}
