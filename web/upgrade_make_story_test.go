package web_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"latchkey/models"
)

// long is what happened weeks ago: an app that idled, and a browser that expired.
func (m *maker) long() {
	for _, name := range []string{"ada", "bob", "carl", "erin", "gina", "henry", "iris", "jack", "kate", "leo", "mia", "nina"} {
		m.must(m.addUser(name+"@example.com", models.RoleUser))
	}
	m.must(m.addUser("sue@example.com", models.RoleSupport))
	m.Tokens["idle"] = m.app(homeIP, "ada@example.com", "old tablet").refresh
	m.browser(homeIP, "ada@example.com")
	m.clock.Advance(40 * 24 * time.Hour)
}

// changes are what ada's devices went through.
func (m *maker) changes() {
	const ada = "ada@example.com"
	home := m.visitor(homeIP, nil)
	step := func() { m.clock.Advance(61 * time.Minute); m.newMails() } // past the hour within which alerts become a summary
	browser := m.browser(homeIP, ada)
	step()
	laptop := m.app(homeIP, ada, "laptop")
	m.Tokens["revoked"] = laptop.refresh
	m.see(browser.submit("/devices", "/devices/"+laptop.id+"/revoke", url.Values{}), http.StatusSeeOther)
	step()
	watch := m.app(homeIP, ada, "watch")
	m.see(home.do(http.MethodPost, "/oauth/revoke", url.Values{"token": {watch.refresh}}.Encode(), "Content-Type", formType), http.StatusOK)
	step()
	copied := m.app(homeIP, ada, "copied")
	m.Tokens["ended by reuse"] = copied.refresh
	home.refreshed(home.refreshed(copied.refresh).refresh)
	if got := home.reason(copied.refresh); got != "reused" {
		m.t.Fatal(got)
	}
	step()
	stale := m.app(homeIP, ada, "stale")
	m.Tokens["below the floor"] = stale.refresh
	home.refreshed(home.refreshed(stale.refresh).refresh)
	step()
	forked := m.app(homeIP, ada, "forked")
	m.Tokens["first child"] = home.refreshed(forked.refresh).refresh
	m.clock.Advance(time.Minute)
	m.Tokens["second child"] = m.visitor(awayIP, nil).refreshed(forked.refresh).refresh
	renamed := m.app(homeIP, ada, "camera")
	m.see(browser.submit("/devices", "/devices/"+renamed.id+"/rename", url.Values{"name": {"kitchen camera"}}), http.StatusSeeOther)
	step()
	m.bound()
	step()
	m.Tokens["restored"] = m.app(homeIP, ada, "restored").refresh
	step()
}

// bound signs an app in with a key.
func (m *maker) bound() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	m.must(err)
	m.Key, err = x509.MarshalPKCS8PrivateKey(key)
	m.must(err)
	home := m.visitor(homeIP, nil)
	m.newNonce()
	first := m.app(homeIP, "ada@example.com", "bound", "DPoP", m.proof("POST", "/api/login", ""))
	m.Tokens["bound, base"] = first.refresh
	m.Tokens["bound"] = home.refreshed(first.refresh, "DPoP", m.proof("POST", "/oauth/token", "")).refresh
}

// links opens one link of each mailed kind; each is followed once, but not answered.
func (m *maker) links() {
	bob := m.browser(homeIP, "bob@example.com")
	m.askEmail(bob, "bobby@example.net")
	m.Links["used"] = m.link("bobby@example.net", "/email/confirm")
	m.confirmEmail(bob, m.Links["used"])
	m.Links["undo"] = m.link("bob@example.com", "/email/undo")
	ada := m.browser(homeIP, "ada@example.com")
	m.askEmail(ada, "ada@new.example.net")
	m.Links["email"] = m.link("ada@new.example.net", "/email/confirm")
	m.see(m.visitor(awayIP, nil).submit("/forgot", "/forgot", url.Values{"email": {"ada@example.com"}}), http.StatusSeeOther)
	m.Links["reset"] = m.link("ada@example.com", "/reset")
	m.see(m.visitor(awayIP, nil).submit("/signup", "/signup", url.Values{"email": {"dora@example.com"}, "password": {upgradePassword}}), http.StatusSeeOther)
	m.Links["signup"] = m.link("dora@example.com", "/signup/confirm")
	m.Tokens["phone, base"] = m.app(homeIP, "ada@example.com", "phone").refresh
	m.Links["not me"] = m.link("ada@example.com", "/not-me")
	for kind, link := range m.Links {
		v := m.visitor(homeIP, nil)
		m.Pages[kind] = v.follow(link)
		m.Cookies["link "+kind] = v.cookies
		v = m.plainly(homeIP, nil)
		v.follow(link)
		m.Plain["link "+kind] = v.cookies
	}
}

// waiting leaves mails of every kind in the outbox.
func (m *maker) waiting() {
	undone := m.browser(homeIP, "henry@example.com")
	m.askEmail(undone, "henry@example.net")
	m.confirmEmail(undone, m.link("henry@example.net", "/email/confirm"))
	back := m.link("henry@example.com", "/email/undo")
	gina := m.browser(homeIP, "gina@example.com")
	m.askEmail(gina, "gina@example.net")
	m.confirmEmail(gina, m.link("gina@example.net", "/email/confirm"))
	m.askEmail(gina, "gina@example.org")
	second := m.link("gina@example.org", "/email/confirm")
	erin, iris := m.browser(homeIP, "erin@example.com"), m.browser(homeIP, "iris@example.com")
	m.newMails() // nothing below is sent

	m.confirmEmail(gina, second)
	m.see(undone.answer(undone.follow(back), url.Values{}), http.StatusSeeOther)
	m.app(awayIP, "bobby@example.net", "bob’s phone")
	m.see(m.visitor(awayIP, nil).submit("/forgot", "/forgot", url.Values{"email": {"bobby@example.net"}}), http.StatusSeeOther)
	for _, email := range []string{"frank@example.com", "ada@example.com"} {
		m.see(m.visitor(awayIP, nil).submit("/signup", "/signup", url.Values{"email": {email}, "password": {upgradePassword}}), http.StatusSeeOther)
	}
	for _, email := range []string{"ada@example.com", "bob@example.com", "erin@new.example.net"} {
		m.askEmail(erin, email)
	}
	m.see(iris.submit("/security", "/security", url.Values{"current_password": {upgradePassword}, "new_password": {"another fine password"}}), http.StatusSeeOther)
	m.must(m.setPassword("jack@example.com", "a password from the operator"))
	m.must(m.disable("kate@example.com"))
	m.see(m.visitor(awayIP, nil).submit("/forgot", "/forgot", url.Values{"email": {"stranger@example.com"}}), http.StatusSeeOther)
	copied := m.app(homeIP, "leo@example.com", "leo’s phone")
	home := m.visitor(homeIP, nil)
	home.refreshed(home.refreshed(copied.refresh).refresh)
	home.refresh(copied.refresh)
}

// limits uses some limits up.
func (m *maker) limits() {
	guess := func(ip, email string, times int) {
		for range times {
			m.see(m.visitor(ip, nil).login(email, "a wrong guess", "x"), http.StatusUnauthorized)
		}
	}
	m.app(familiarIP, "leo@example.com", "at home")
	guess(guesserIP, "ada@example.com", 10)
	for i := range 10 {
		guess(fmt.Sprintf("192.0.2.%d", i+1), "leo@example.com", 10)
	}
	for i := range 30 {
		m.app(homeIP, "mia@example.com", fmt.Sprintf("phone %d", i+1))
	}
	for range 3 {
		m.see(m.visitor(awayIP, nil).submit("/forgot", "/forgot", url.Values{"email": {"nina@example.com"}}), http.StatusSeeOther)
	}
}

// unfinished leaves the last part of an account's deletion undone, as a server that was killed does.
func (m *maker) unfinished() {
	sue, carl := m.browser(homeIP, "sue@example.com"), m.browser(homeIP, "carl@example.com")
	m.Cookies["sue"] = sue.cookies
	for _, search := range []string{"carl@example.com", "leo@example.com"} {
		m.see(sue.get("/support?q="+url.QueryEscape(search)+"&kind=email"), http.StatusOK)
	}
	m.hold()
	r := carl.submit("/security/delete", "/security/delete", url.Values{"email": {"carl@example.com"}, "current_password": {upgradePassword}})
	m.see(r, http.StatusSeeOther)
	// The transaction of the deletion takes the first searches out by itself. There were more.
	m.exec("UPDATE events SET detail = 'carl@example.com' WHERE kind = 'support_searched' AND detail = ''")
	m.release()
}

// last is what happened seconds before.
func (m *maker) last() {
	home := m.visitor(homeIP, nil)
	next := home.refreshed(m.Tokens["phone, base"])
	m.Tokens["phone"], m.Access["signed by the previous key"] = next.refresh, next.access
	m.Access["of a revoked device"] = m.app(homeIP, "ada@example.com", "short visit").access
	m.revoke("short visit")
	m.must(m.rotateKey())
	m.Tokens["repeated"] = m.app(homeIP, "ada@example.com", "repeating").refresh
	again := home.refreshed(m.Tokens["repeated"])
	m.Tokens["its successor"], m.Access["signed by the current key"] = again.refresh, again.access
	m.newNonce()
	m.Access["bound"] = home.refreshed(m.Tokens["bound"], "DPoP", m.proof("POST", "/oauth/token", "")).access
	m.Cookies["mark"] = map[string]string{}
	ada := m.browser(homeIP, "ada@example.com")
	m.Cookies["ada"] = ada.cookies
	for name, value := range ada.cookies {
		if strings.HasSuffix(name, "-browser") {
			m.Cookies["mark"][name] = value
		}
	}
	plain := m.plainly(homeIP, nil)
	m.see(plain.signIn("ada@example.com"), http.StatusSeeOther)
	m.Plain["ada"] = plain.cookies
	for _, key := range m.publishedKeys() {
		m.KIDs = append(m.KIDs, key["kid"])
	}
}

// newNonce asks for a nonce, by a proof without one.
func (m *maker) newNonce() {
	m.t.Helper()
	m.Nonce = ""
	m.Nonce = m.visitor(homeIP, nil).refresh(m.Tokens["idle"], "DPoP", m.proof("POST", "/oauth/token", "")).header.Get("DPoP-Nonce")
	if m.Nonce == "" {
		m.t.Fatal("no nonce")
	}
}

func (m *maker) revoke(name string) {
	m.t.Helper()
	var id string
	m.must(m.store.Pools()[0].QueryRowContext(m.t.Context(), "SELECT id FROM devices WHERE name = '"+name+"'").Scan(&id))
	m.see(m.browser(homeIP, "ada@example.com").submit("/devices", "/devices/"+id+"/revoke", url.Values{}), http.StatusSeeOther)
}
