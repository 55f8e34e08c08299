package web_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestAFormIsSentOnce(t *testing.T) {
	s := gallerySite(t)
	c := openTab(t, s.URL, 1280, true)
	c.open("/login", http.StatusOK)
	c.write("#email", adaEmail)
	c.write("#password", adaPassword)
	evaluate[bool](c, `window.sent = 0, addEventListener("submit", e => { if (!e.defaultPrevented) window.sent++; e.preventDefault(); }), true`)
	const click = `document.querySelector('main button[type="submit"]').click()`
	sent := func(when string, want int) {
		t.Helper()
		if got := evaluate[int](c, `(() => { `+click+`; `+click+`; return window.sent; })()`); got != want {
			t.Errorf("%s: the form was sent %d times, want %d", when, got, want)
		}
	}
	sent("two clicks", 1)
	evaluate[bool](c, `document.querySelector('main button[type="submit"]').focus(), true`)
	if !evaluate[bool](c, `document.activeElement.getAttribute("aria-disabled") === "true"`) {
		t.Error("the button does not tell that it waits, or lost the focus")
	}
	evaluate[bool](c, `dispatchEvent(new PageTransitionEvent("pageshow", {persisted: true}))`) // as when one comes back
	sent("back on the page", 2)
	if faults := c.takeFaults(); len(faults) > 0 {
		t.Errorf("the browser complains: %q", faults)
	}
}

// A browser may bring a page back as it was, though no one is signed in any more.
func TestAPrivatePageThatComesBackIsFetchedAgain(t *testing.T) {
	s := gallerySite(t)
	c := openTab(t, s.URL, 1280, true)
	const back = `dispatchEvent(new PageTransitionEvent("pageshow", {persisted: true}))`
	c.open("/login", http.StatusOK)
	evaluate[bool](c, `window.same = true, `+back)
	if !evaluate[bool](c, `window.same`) {
		t.Error("a page that shows nobody was fetched again")
	}
	c.signIn(adaEmail, adaPassword)
	c.open("/activity?kind=devices#main", http.StatusOK)
	evaluate[bool](c, `window.same = true, `+back)
	c.until("it is fetched again", `!window.same && document.readyState === "complete" && document.documentElement?.hidden === false && location.pathname + location.search === "/activity?kind=devices"`)
	s.signOutEverywhere(adaEmail)
	evaluate[bool](c, back)
	c.until("the sign-in form is shown", `location.pathname === "/login" && document.body?.textContent.includes("Sign in") === true && !document.body.textContent.includes("`+adaEmail+`")`)
}

// Ada's page, after eve signed in in another tab, does not show eve's question as ada's own.
func TestAQuestionForSomebodyElseIsShownOnAPageOfItsOwn(t *testing.T) {
	s := gallerySite(t)
	s.addUser(eveEmail, evePassword)
	newPhone(t, s.tryLogin(eveEmail, evePassword, "eve's phone"))
	s.login("phone")
	c := openTab(t, s.URL, 1280, true)
	c.signIn(adaEmail, adaPassword)
	evaluate[bool](c, `fetch("/login", {method: "POST", body: new URLSearchParams({email: "`+eveEmail+`", password: "`+evePassword+`", account: document.querySelector('meta[name="account"]').content})}).then(r => r.ok)`)
	page := c.follow(`a[href="/devices/revoke-others"]`)
	page.one("p", "class", "whose").says("Signed in as " + eveEmail)
	if text := page.one("div", "class", "card").text(); !strings.Contains(text, "This is about your account "+eveEmail+".") {
		t.Errorf("the question says %q", text)
	}
}
