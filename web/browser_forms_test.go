package web_test

import (
	"net/http"
	"strings"
	"testing"

	"latchkey/models"
)

// A form is sent once, and not at all without a connection; a download says that it began, and forgets what confirmed it.
func TestFormsInARealBrowser(t *testing.T) {
	s := gallerySite(t)
	c := openTab(t, s.URL, 390, true)
	c.open("/signup", http.StatusOK)
	evaluate[bool](c, `window.times = 0, addEventListener("submit", e => { times += !e.defaultPrevented; e.preventDefault() }), true`)
	const button = `main button[type="submit"]`
	const busy = `document.querySelector("main form").getAttribute("aria-busy") === "true"`
	send := `document.querySelector('` + button + `').click(), document.querySelector("main form").requestSubmit(), times`
	online := func(on string) {
		evaluate[bool](c, `Object.defineProperty(navigator, "onLine", { configurable: true, value: `+on+` }), `+on+` && dispatchEvent(new Event("online")), true`)
	}
	c.write("#email", "leila@example.org")
	c.write("#password", "four lemons in a bowl")

	online("false")
	if n := evaluate[int](c, send); n != 0 || evaluate[bool](c, busy) {
		t.Errorf("without a connection the form is sent %d times", n)
	}
	c.until("it says why, once", `[...document.querySelectorAll('[role="alert"]')].map(e => e.textContent).join() === "You’re offline. Nothing was sent. Check your connection and try again."`)
	if got := evaluate[string](c, `document.getElementById("email").value + " " + document.getElementById("password").value`); got != "leila@example.org four lemons in a bowl" {
		t.Errorf("what was typed became %q", got)
	}
	c.fits("without a connection")
	c.shoot("offline")
	online("true")
	c.until("it says so no more", `document.querySelector('[role="alert"]') === null`)

	if n := evaluate[int](c, send); n != 1 || !evaluate[bool](c, busy) {
		t.Errorf("pressed twice, the form is sent %d times", n)
	}
	evaluate[bool](c, `dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }))`)
	if evaluate[bool](c, busy) {
		t.Error("the browser brings back a form that is still busy")
	}
	if n := evaluate[int](c, send); n != 2 {
		t.Errorf("brought back and pressed, the form was sent %d times, want once more", n)
	}

	c.signIn(adaEmail, adaPassword)
	c.open("/security/data", http.StatusOK)
	const said, typed = `document.querySelector("[data-began]").textContent`, `document.getElementById("current_password").value`
	c.write("#current_password", "not her password")
	c.arrive("a wrong password", http.StatusUnprocessableEntity, clicked(button)).one("h2").says("Please check the fields below")
	if got := evaluate[string](c, `document.title + `+said); !strings.HasPrefix(got, "Error: ") || strings.Contains(got, "download has") {
		t.Errorf("refused: %q", got)
	}
	c.write("#current_password", adaPassword)
	c.do("download", clicked(button))
	c.until("it says so", said+`.startsWith("Your download has started.") && `+typed+` === "" && !(`+busy+`) && !document.querySelector(".notice-error, .problem, [aria-invalid]")`)
	c.shoot("download")
	if n := s.acts(models.EventDataDownloaded); n != 1 {
		t.Errorf("%d downloads", n)
	}
}
