package web_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// focusIsOnTheMessage tells whether the message has the focus and can be seen, without a script of the page having put it there.
const focusIsOnTheMessage = `(() => {
	const box = document.activeElement.getBoundingClientRect();
	return document.activeElement.matches(".notice") && box.top >= 0 && box.bottom <= innerHeight;
})()`

func (c *tab) reads(message string) {
	c.t.Helper()
	c.until("the message has the focus: "+message, fmt.Sprintf(`%s && document.activeElement.querySelector(".notice-text").textContent.trim() === %q`, focusIsOnTheMessage, message))
}

// After an act the message is read, and the next key goes on from the row that it is about.
func TestAfterAnActTheMessageHasTheFocus(t *testing.T) {
	withAndWithout(t, func(t *testing.T, s *site, c *tab) {
		phone := s.login("phone")
		for i := range 12 {
			s.login(fmt.Sprint("tablet ", i))
		}
		c.signIn(adaEmail, adaPassword)
		form := fmt.Sprintf(`form[action="/devices/%s/rename"]`, phone.id)
		c.do("open the field", clicked(fmt.Sprintf(`details:has(%s) summary`, form)))
		c.write(form+` input[name="name"]`, "my ")
		c.follow(form + " button")
		c.reads("You’ve renamed the device to “my phone”.")
		c.tabTo("the row's device", func(n *chromedp.Node) bool { return n.AttributeValue("href") == "/devices/"+phone.id })

		c.follow(fmt.Sprintf(`a[href="/devices/%s"]`, phone.id)).one("h1").says("my phone")
		c.check("the page of a device")
		c.asked(fmt.Sprintf(`a[href="/devices/%s/revoke"]`, phone.id))
		c.follow(yes)
		c.reads("You’ve signed out “my phone”.")
		c.check("a row that is marked")

		c.do("select two", clicked(".devices > li:nth-child(2) .pick"), clicked(".devices > li:nth-child(4) .pick"))
		c.follow(".selection button").one("h1").says("Sign out 2 devices?")
		c.check("the question about two")
		c.follow(yes)
		c.reads("You’ve signed out 2 devices.")
		c.follow(`.way-out button`)
		c.reads("You’ve signed out on this browser.")
	})
}

// A search while typing keeps what was selected, and tells the count once.
func TestDevicesAreFoundWhileAPersonTypes(t *testing.T) {
	s := gallerySite(t)
	for i := range 30 {
		s.addDevice(fmt.Sprint("phone ", i))
	}
	s.clock.Advance(time.Minute) // the latest stands in the short list
	tv := s.login("television")
	c := openTab(t, s.URL, 390, true)
	c.signIn(adaEmail, adaPassword)
	evaluate[bool](c, `window.told = [], new MutationObserver(() => told.push(document.getElementById("said").textContent)).observe(document.getElementById("said"), {childList: true}), true`)
	c.do("select one", clicked(fmt.Sprintf(`label[for="pick-%s"]`, tv.id)))
	c.until("the button counts", `document.querySelector(".selection").innerText.includes("(1)")`)
	c.write("#q", "phone 2")
	c.until("the list is short", `document.querySelectorAll("[data-found] .device").length === 12 && !document.querySelector("[data-found]").textContent.includes("television")`)
	c.until("the count is told", `told.includes("12 devices found.")`)
	if n := evaluate[int](c, `told.filter(t => t).length`); n != 1 {
		t.Errorf("it is told %d times", n)
	}
	c.do("select all", clicked(`label[for="pick-all"]`))
	c.until("the button counts", `document.querySelector(".selection").innerText.includes("(13)")`)
	c.do("unselect one", clicked(`[data-found] .device .pick`))
	c.until("not all, and not none", `document.getElementById("pick-all").indeterminate`)
	page := c.follow(".selection button")
	page.one("h1").says("Sign out 12 devices?")
	if !evaluate[bool](c, `document.querySelector(".digests").textContent.includes("television")`) {
		t.Error("what was selected before the search is not named")
	}
	c.follow(".decision a")
	c.until("they are still selected", `document.querySelectorAll(".pick :checked").length === 12`)
	if faults := c.takeFaults(); len(faults) > 0 {
		t.Errorf("the browser complains: %q", faults)
	}
	c.open("/devices?q=nothing+like+it", http.StatusOK).one("p", "data-count", "*").says("No device matches “nothing like it”.")
}
