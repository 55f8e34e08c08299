package views

import (
	"strings"
	"time"
)

func (g gallery) desk() Shell {
	shell := g.in("Support", "support")
	shell.Account = &Account{ID: "0192d3c4-0000-7000-8000-000000000002", Email: "sam@example.org", Support: true}
	return shell
}

func (g gallery) person(email string, devices int64) SupportPerson {
	return SupportPerson{ID: "0192d3c4-0000-7000-8000-000000000001", Email: email, URL: "/support/users/0192d3c4-0000-7000-8000-000000000001", Devices: devices, CreatedAt: g.ago(400 * day24)}
}

// found are devices as support sees them: ordinary ones, hostile ones, and ended ones.
func (g gallery) found() []SupportDevice {
	apps, browsers := g.many()
	var list []SupportDevice
	for _, d := range append(apps, browsers[1:]...) {
		list = append(list, SupportDevice{Device: d, SignedInFrom: d.Address, Live: true, Owner: g.person("leila.haddad@example.org", 3)})
	}
	disabled := g.person("a.very.long.address.of.somebody@a.very.long.subdomain.of.an.organisation.example.org", 0)
	disabled.Disabled = true
	list[1].Owner = disabled
	list[5].Owner = g.person(hostile, 1)
	return list
}

// ended are devices that were signed out. Two lists from different texts have no id in common.
func (g gallery) ended(from string) []SupportDevice {
	list := g.found()[:4]
	for i, end := range []string{
		"Signed out by its owner", "Signed out because its sign-in may have been copied",
		"Signed out when an administrator set a new password", "Signed out because it wasn’t used for too long",
	} {
		list[i].ID = string(rune('e'+len(from))) + list[i].ID
		list[i].Live, list[i].End, list[i].EndedAt, list[i].Alarm = false, end, g.ago(time.Duration(i*9)*day24), i == 1
	}
	return list
}

func (g gallery) chartsOf(scale int64) []Chart {
	titles := []string{"Sign-ins", "Failed sign-ins", "Copied sign-ins found", "Acts of signing out other devices"}
	var list []Chart
	for i, title := range titles {
		c := Chart{ID: []string{"sign-ins", "failed", "reuse", "revocations"}[i], Title: title, Group: []string{"sign-ins", "sign-ins", "", ""}[i], Alarm: i == 2}
		for day := range 30 {
			n := int64((day*day*7+i*day*3+11)%23) * scale
			switch i {
			case 1:
				n = int64((day*day+3)%11) * scale / 3
			case 2:
				n = min(scale, int64(day%13/12))
			}
			c.Days, c.N = append(c.Days, g.ago(time.Duration(29-day)*day24)), append(c.N, n)
		}
		list = append(list, c)
	}
	return list
}

func (g gallery) support() []State {
	front := func(name string, p SupportPage) State {
		p.Shell = g.desk()
		return State{"support/" + name, Support(p)}
	}
	typed := SupportSearch{Text: "phone", Kind: "app", Live: "live", Seen: "week"}
	evil := SupportSearch{Text: hostile, Problem: hostile}
	staff, disabled := g.person("sam@example.org", 1), g.person("leila@example.org", 0)
	staff.Staff, disabled.Disabled = true, true
	people := []SupportPerson{g.person("leila.haddad@example.org", 4), disabled, staff, g.person(hostile, 2), g.person(breakout, 0), g.found()[1].Owner}
	return []State{
		front("front", SupportPage{Charts: g.chartsOf(97)}),
		front("quiet", SupportPage{Charts: g.chartsOf(0)}),
		front("no numbers", SupportPage{}),
		front("empty search", SupportPage{Search: SupportSearch{Problem: "Enter something to search for."}, Charts: g.chartsOf(97)}),
		front("refused", SupportPage{Search: evil}),
		front("reason refused", SupportPage{Search: SupportSearch{Text: "leila", Reason: strings.Repeat("W", 201), ReasonProblem: "At most 200 characters."}}),
		front("one person", SupportPage{
			Search: SupportSearch{Text: "leila.haddad@example.org", Reason: "Ticket 4711, caller asked to check a sign-in"}, Searched: true, People: people[:1],
		}),
		front("too slow", SupportPage{Search: typed, Searched: true, TooSlow: true}),
		front("nothing found", SupportPage{Search: SupportSearch{Text: hostile, Kind: "app", Seen: "day"}, Searched: true}),
		front("no device from an address", SupportPage{Search: SupportSearch{Text: "203.0.113.200", Dropped: true}, Address: "203.0.113.200", Searched: true}),
		front("devices from an address", SupportPage{Search: SupportSearch{Text: "198.51.100.23"}, Address: "198.51.100.23", Searched: true, Devices: g.found()[:2]}),
		front("number of an error", SupportPage{Search: SupportSearch{Text: "QXZ2ABCD3EFGH7KL"}, ErrorNumber: true, Searched: true}),
		front("nothing found of a text that turns around", SupportPage{Search: SupportSearch{Text: breakout}, Searched: true}),
		front("nothing more", SupportPage{Search: SupportSearch{Text: rightToLeft}, Searched: true, Further: true, First: "/support?q=x"}),
		front("people and devices", SupportPage{
			Search: SupportSearch{Text: "l"}, Searched: true, People: people, Devices: append(g.found(), g.ended("")...),
			MorePeople: "/support?q=l&after=p", MoreDevices: "/support?q=l&after=d",
		}),
		front("further", SupportPage{Search: typed, Searched: true, Further: true, First: "/support?q=phone", Devices: g.found()[:3]}),
		g.looked("many", SupportPersonPage{
			Back: "/support?search=x", Reason: "Ticket 4711, caller asked to check a sign-in", Summary: g.summary(), Filters: deskFilters(0),
			Person: g.person("leila.haddad@example.org", 250), Live: g.found(), MoreLive: true, Ended: append(g.ended(""), g.ended("x")...), AllEnded: 45, Marked: "fa2", MoreEnded: "/support/users/1?ended=2", Events: g.seenEvents(),
			Older: "/support/users/1?before=3",
		}),
		g.looked("one live", SupportPersonPage{Person: people[0], Back: "/support?search=x", Summary: g.summary(), Filters: deskFilters(0), Live: g.found()[:1], Events: g.seenEvents()[:1]}),
		g.looked("hostile reason", SupportPersonPage{Person: people[0], Back: "/support?search=x", Reason: hostileReason, Summary: g.summary(), Filters: deskFilters(0), Live: g.found()[:1]}),
		g.looked("warnings only", SupportPersonPage{Person: people[0], Summary: g.summary(), Filters: deskFilters(1), Live: g.found()[:1], Events: g.seenEvents()[1:2]}),
		g.looked("none of a kind", SupportPersonPage{Person: people[0], Summary: g.summary(), Filters: deskFilters(5)}),
		g.looked("locked", SupportPersonPage{Person: people[0], Summary: g.summaryOf(
			SummaryFact{Label: "Signed in", Text: "Not signed in anywhere"}, SummaryFact{Label: "Warnings in the last 30 days", Text: "100 or more", Alarm: true},
			SummaryFact{Label: "Password", Text: "Locked since", Since: g.ago(3 * day24), After: ", until a new password is chosen", Alarm: true},
			SummaryFact{Label: "Second step", Text: "None, password only"},
		), Filters: deskFilters(0)}),
		g.looked("disabled", SupportPersonPage{Person: disabled, Summary: g.summaryOf(
			SummaryFact{Label: "Signed in", Text: "Not signed in anywhere"}, SummaryFact{Label: "Last sign-in", Text: "None on record"},
			SummaryFact{Label: "Account", Text: "Disabled since", Since: g.ago(9 * day24), Alarm: true},
			SummaryFact{Label: "E-mail address", Text: "Set by an administrator, not confirmed by mail"},
		), Filters: deskFilters(0)}),
		g.looked("reason refused", SupportPersonPage{Person: people[0], Summary: g.summary(), Filters: deskFilters(0), Reason: "Ticket 4711", ReasonTyped: "lk1.abc", ReasonProblem: "This looks like a token."}),
		g.looked("older", SupportPersonPage{Person: people[0], Live: g.found()[:1], Events: g.seenEvents()[1:], Newest: "/support/users/1"}),
		g.looked("disabled staff", SupportPersonPage{Person: SupportPerson{ID: "1", Email: hostile, Staff: true, Disabled: true}}),
	}
}

// summary is that of a person with everything.
func (g gallery) summary() []SummaryFact {
	return []SummaryFact{
		{Label: "Signed in", Text: "On 3 devices"},
		{Label: "Last sign-in", Since: g.ago(2 * time.Hour), After: " with a passkey", Name: override, Told: true, Address: "198.51.100.23", Place: Place{Country: "Germany", City: "Hamburg"}},
		{Label: "Last failed sign-in", Since: g.ago(26 * time.Hour), Told: true},
		{Label: "Warnings in the last 30 days", Text: "2", Alarm: true, URL: "/support/users/1?kind=warnings#activity"}, {Label: "Account", Text: "Active"},
		{Label: "Password", Text: "Not locked. Last changed", Since: g.ago(30 * day24)}, {Label: "Trusted browsers", Text: "2"},
		{Label: "Second step", Text: "Authenticator app, 2 passkeys, 8 recovery codes left"}, {Label: "E-mail address", Text: "Confirmed by mail"},
		{Label: "Pending change of e-mail address", Text: "Yes, since", Since: g.ago(3 * time.Hour)},
		{Label: "Language", Text: "Not chosen, so the browser decides"},
	}
}

// summaryOf is that summary with other facts.
func (g gallery) summaryOf(others ...SummaryFact) []SummaryFact {
	list := g.summary()
	for _, other := range others {
		for i := range list {
			if list[i].Label == other.Label {
				list[i] = other
			}
		}
	}
	return list
}

// deskFilters are those of an activity at the support desk.
func deskFilters(active int) []Filter {
	var list []Filter
	for i, text := range []string{"All", "Warnings", "Sign-ins", "Devices", "Account", "Support"} {
		list = append(list, Filter{Text: text, URL: "/support/users/1?kind=x#activity", Active: i == active})
	}
	return list
}

// hostileReason is a reason that wants to be taken for our own words.
const hostileReason = "\u201d. Your account was hacked! Support: call +1 555 0100 now \u2069\u202e" + hostile

func (g gallery) looked(name string, p SupportPersonPage) State {
	p.Shell, p.Now = g.desk(), g.now
	p.Title = "Person"
	return State{"support user/" + name, SupportUser(p)}
}

func (g gallery) seenEvents() []Event {
	return []Event{
		{Text: "Support viewed your devices and activity.", At: g.now, Reason: "Ticket 4711, caller asked to check a sign-in"},
		{Text: g.say.EventSeenBySupportMore(4), At: g.ago(time.Minute), Reason: hostileReason},
		{Text: "A sign-in on “%s” may have been copied, so we signed it out.", Names: []string{rightToLeft}, Alarm: true, At: g.ago(20 * time.Minute), Copied: g.copied("elsewhere")},
		{Text: "Signed in on " + hostile, At: g.ago(25 * time.Minute), Agent: hostile, Address: hostile},
		{Text: "Someone tried to sign in with a wrong password.", Alarm: true, At: g.ago(26 * time.Hour), Agent: "Chrome on Windows", Address: "192.0.2.99"},
	}
}
