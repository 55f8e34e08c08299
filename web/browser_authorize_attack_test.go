package web_test

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// attacked lets sites try what they must not be able to do.
func (j *appJourney) attacked() {
	j.toAnAddressOfNoOne()
	j.inAFrame()
	j.fromAnotherSite()
}

// A wrong redirect URI gets a page of ours, which leads nowhere.
func (j *appJourney) toAnAddressOfNoOne() {
	j.t.Helper()
	screen := j.starts(j.notes, http.StatusBadRequest, "redirect_uri", j.board.URL+"/cb")
	screen.one("h1").says("This app can’t sign you in")
	screen.none("a", "href", j.board.URL+"/cb")
	j.complaint("a wrong redirect URI", "status of 400")
}

// The page stays blank in a frame, so that no one can be made to click on what they do not see.
func (j *appJourney) inAFrame() {
	j.t.Helper()
	j.starts(j.notes, http.StatusOK)
	for _, address := range []string{j.address(), j.s.URL + "/oauth/authorize?" + j.notes.asked().Encode()} {
		j.notes.shows(`<iframe src="` + html.EscapeString(address) + `"></iframe>`)
		j.arrive("a site with a frame", http.StatusOK, chromedp.Navigate(j.notes.URL))
		tree, err := chromedp.Call(j.ctx, page.GetFrameTree, cdp.Empty{})
		if err != nil {
			j.t.Fatal(err)
		}
		for _, f := range tree.FrameTree.ChildFrames { // the whole browser has the frame in another process, and does not list it
			if !strings.HasPrefix(f.Frame.URL, "chrome-error:") {
				j.t.Errorf("%.60s stands in a frame: %+v", address, f.Frame)
			}
		}
		if !slices.ContainsFunc(j.complaints(), func(f string) bool { return strings.Contains(f, "frame-ancestors") }) {
			j.t.Errorf("the browser shows %.60s in a frame without a word", address)
		}
	}
}

// A form of another site presses the button: of one that is another site, where cookies do not come along, and of one on the same
// host, where they do.
func (j *appJourney) fromAnotherSite() {
	j.t.Helper()
	near := httptest.NewServer(j.notes)
	j.t.Cleanup(near.Close)
	shown := j.starts(j.notes, http.StatusOK)
	codes := j.s.count("SELECT count(*) FROM challenges")
	for _, from := range []string{j.notes.URL, localhost(near.URL)} {
		form := url.Values{"choice": {"allow"}, "device_name": {"theirs"}}
		for _, field := range shown.one("form", "action", "/authorize").all("input", "type", "hidden") {
			form.Set(field.attr("name"), field.attr("value"))
		}
		front := `<form method="post" action="` + j.s.URL + `/authorize"><button>Win a prize</button>`
		for name := range form {
			front += `<input type="hidden" name="` + name + `" value="` + html.EscapeString(form.Get(name)) + `">`
		}
		j.notes.shows(front + `</form>`)
		j.arrive("a site with a form", http.StatusOK, chromedp.Navigate(from))
		j.arrive("a prize", http.StatusForbidden, clicked("button"))
		if at := j.address(); at != j.s.URL+"/authorize" {
			j.t.Errorf("from %s the browser comes to %s", from, at)
		}
		j.complaints()
	}
	if now := j.s.count("SELECT count(*) FROM challenges"); now != codes {
		j.t.Errorf("%d codes and requests became %d", codes, now)
	}
	j.starts(j.notes, http.StatusOK)
	j.allows(j.notes) // the person's own button still works
	j.notes.signedIn(http.MethodGet)
}
