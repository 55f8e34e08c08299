package views

import (
	"fmt"
	"strings"
	"time"

	"latchkey/views/catalog"
)

// house is a devices page with these devices. A browser that is the current one stands apart.
func (g gallery) house(devices ...Device) DevicesPage {
	p := DevicesPage{Now: g.now}
	browsers := DeviceGroup{Browsers: true}
	at := map[string]int{}
	for _, d := range devices {
		switch {
		case d.Current:
			p.Current = &d
			continue
		case !d.App:
			browsers.Devices = append(browsers.Devices, d)
		default:
			n, ok := at[d.Client]
			if !ok {
				n = len(p.Groups)
				at[d.Client], p.Groups = n, append(p.Groups, DeviceGroup{App: d.Client})
			}
			p.Groups[n].Devices = append(p.Groups[n].Devices, d)
			p.Apps++
		}
		p.Others++
	}
	if p.Browsers = len(browsers.Devices); p.Browsers > 0 {
		p.Groups = append(p.Groups, browsers)
	}
	for i := range p.Groups {
		p.Groups[i].Total = len(p.Groups[i].Devices)
	}
	p.Part = DevicePart{Found: p.Others, Shown: p.Others}
	return p
}

func (g gallery) devicesState(name string, p DevicesPage) State {
	flash := p.Flash
	p.Shell = g.in(g.say.DevicesTitle(), "devices")
	p.Flash = flash
	if strings.HasPrefix(name, "common password") {
		p.PasswordOffer = "/devices"
	}
	return State{"devices/" + name, Devices(p)}
}

func (g gallery) devices() []State {
	apps, browsers := g.many()
	few := func() DevicesPage { return g.house(append(apps[:2:2], browsers[:2]...)...) }
	alone := g.house(g.current())
	told := func(p DevicesPage, tone Tone, text string) DevicesPage {
		p.Flash = &Flash{Tone: tone, Text: text}
		return p
	}
	turned := g.app("a10", breakout, "phone", 80*day24)
	turned.Client, turned.Agent = breakout, breakout
	welcomed := g.house(g.current())
	welcomed.Flash = &Flash{Tone: ToneSuccess, Text: g.say.SignupWelcome(), Next: &Link{URL: "/security/setup", Text: g.say.SecuritySetUp()}}
	refused := func(r RenameRefusal) DevicesPage {
		p := few()
		p.Rename = &r
		return p
	}
	return []State{
		g.devicesState("alone", alone),
		g.devicesState("a few", few()),
		g.devicesState("many", g.house(append(apps, browsers...)...)),
		g.devicesState("perhaps one phone", g.samePhones()),
		g.devicesState("turned around", g.house(turned, apps[7], g.current())),
		g.devicesState("none", DevicesPage{Now: g.now}),
		g.devicesState("new account", welcomed),
		g.devicesState("told", told(alone, ToneInfo, g.say.OthersNotice())),
		g.devicesState("failed", told(alone, ToneError, hostile)),
		g.devicesState("common password", few()),
		g.devicesState("common password and a message", told(alone, ToneSuccess, g.say.OwnPasswordDone())),
		g.devicesState("rename refused", refused(RenameRefusal{DeviceID: "a1", Value: "iPad", Problem: g.say.Error("Enter at most 64 characters.")})),
		g.devicesState("rename hostile", refused(RenameRefusal{DeviceID: "b2", Value: hostile, Problem: hostile})),
	}
}

// samePhones is a devices page where two apps may be on the phones of earlier ones.
func (g gallery) samePhones() DevicesPage {
	old, again := g.app("a20", "Pixel 9", "phone", 9*day24), g.app("a21", "Pixel 9 (2)", "phone", time.Hour)
	again.Earlier = &EarlierDevice{ID: old.ID, Name: old.Name}
	odd, hostileAgain := g.app("a22", hostile, "phone", 9*day24), g.app("a23", longWord, "phone", 2*time.Hour)
	hostileAgain.Earlier = &EarlierDevice{ID: odd.ID, Name: odd.Name}
	return g.house(again, hostileAgain, old, odd, g.current())
}

// warnings are the devices page with what has gone wrong.
func (g gallery) warnings() []State {
	apps, browsers := g.many()
	page := func(name string, ended []Ended, alerts ...Alert) State {
		p := g.house(append(apps[:2:2], browsers[:2]...)...)
		p.Ended, p.Alerts, p.AlertsSeen = ended, alerts, "1762178709000000"
		if len(ended) == 8 {
			p.EndedMost = 8
		}
		p.PasswordChanged = len(alerts) > 1
		return g.devicesState(name, p)
	}
	theft := Alert{Theft: true, Device: "old phone", ID: "a5", At: g.ago(25 * time.Minute), Address: "198.51.100.90", Copied: g.copied("where the owner signed in")}
	evil := Alert{Theft: true, Device: hostile, ID: "a6", At: g.ago(30 * time.Hour), Copied: g.copied("elsewhere")}
	odd := Alert{Theft: true, Device: override, ID: "a8", At: g.ago(50 * time.Hour), Copied: g.copied("from one address")}
	before := Alert{Theft: true, Device: longWord, ID: "a9", At: g.ago(60 * time.Hour), Address: "192.0.2.99"}
	longest := Alert{Theft: true, Device: longWord, ID: "a9", At: g.ago(3 * time.Minute), Copied: g.copied("elsewhere")}
	fork := Alert{Device: "Pixel 9", ID: "a1", At: g.ago(4 * time.Hour), Address: "198.51.100.23"}
	ended := g.endings()
	return []State{
		page("a theft", ended[:1], theft),
		page("thefts and more", ended[:1], fork, longest, evil, odd, before),
		page("lost answers", nil, fork),
		page("signed out lately", ended),
	}
}

// endings are devices that were signed out; the first because its sign-in was copied.
func (g gallery) endings() []Ended {
	end := func(id, name, icon, reason string, since time.Duration) Ended {
		return Ended{ID: id, Name: name, Icon: icon, Reason: reason, At: g.ago(since)}
	}
	stolen := end("e0", "old phone", "phone", g.say.EndReuse(), 25*time.Minute)
	stolen.Alarm = true
	return []Ended{
		stolen, end("e1", "Pixel 7", "phone", g.say.EndOwner(), 2*time.Hour),
		end("e2", "Chrome on Windows", "laptop", g.say.EndSignOut(), 9*time.Hour),
		end("e3", "Library computer", "browser", g.say.EndIdle(), 30*time.Hour),
		end("e4", longWord, "tablet", g.say.EndPassword(), 5*day24),
		end("e5", hostile, "unknown", g.say.EndOperator(), 6*day24),
		end("e9", "Galaxy Tab", "tablet", g.say.EndIncident(), 6*day24+time.Hour),
		end("e6", rightToLeft, "phone", g.say.EndExpired(), 7*day24),
		end("e7", breakout, "phone", g.say.EndOwner(), 8*day24),
		end("e8", invisibleName, "phone", g.say.EndReplaced(), 20*day24),
	}
}

// crowd is n devices, the current one among them, of three apps and some browsers.
func (g gallery) crowd(n int) []Device {
	list := []Device{g.current()}
	for i := 1; i < n; i++ {
		seen := time.Duration(i*i) * time.Hour / 12
		switch id := fmt.Sprintf("c%d", i); i % 7 {
		case 0:
			list = append(list, g.browser(id, fmt.Sprintf("Chrome on Windows (%d)", i), "Chrome on Windows", seen))
		case 3:
			d := g.app(id, fmt.Sprintf("Kitchen tablet %d", i), "tablet", seen)
			d.Client, d.Agent = "Recipes", ""
			list = append(list, d)
		case 5:
			d := g.app(id, fmt.Sprintf("Television %d", i), "unknown", seen)
			d.Client, d.Agent = "", ""
			list = append(list, d)
		default:
			d := g.app(id, fmt.Sprintf("Pixel 9 (%d)", i), "phone", seen)
			d.Client, d.Agent, d.Bound = "Notes for Android", "", i%2 == 0
			list = append(list, d)
		}
	}
	return list
}

// lists are the devices page with more devices than a look takes in.
func (g gallery) lists() []State {
	short := func(n, shown int) DevicesPage {
		p := g.house(g.crowd(shown + 1)...)
		p.Others, p.Part.Found = n-1, n-1
		return p
	}
	search := func(query string, shown, found int) DevicesPage {
		p := g.house(g.crowd(shown + 1)...)
		p.Others, p.Part.Found, p.Part.Query, p.Part.Page, p.Part.Pages = 99, found, query, 1, 1+(found-1)/100
		return p
	}
	all := g.house(g.crowd(100)...)
	all.Part.All, all.Part.Page, all.Part.Pages = true, 1, 1
	huge := g.house(g.crowd(101)...)
	huge.Others, huge.Part = 10_000, DevicePart{All: true, Found: 10_000, Shown: 100, Page: 2, Pages: 100, Previous: "/devices?all=1", Next: "/devices?all=1&page=3"}
	none := search(hostile, 0, 0)
	renamed := g.house(g.crowd(5)...)
	done := g.say.DevicesRenamed("Pixel 9 (2)")
	renamed.Done = &DoneTo{Flash{Tone: ToneSuccess, Text: done.Text, Names: done.Names}, []string{"c2"}}
	own := g.house(g.crowd(5)...)
	done = g.say.DevicesRenamed("Firefox on Linux")
	own.Done = &DoneTo{Flash{Tone: ToneSuccess, Text: done.Text, Names: done.Names}, []string{"b1"}}
	one := g.house(g.crowd(5)...)
	done = g.say.RevokeDone("Pixel 7")
	one.Ended = g.endings()[1:5]
	one.Done = &DoneTo{Flash{Tone: ToneSuccess, Text: done.Text, Names: done.Names, Detail: g.say.RevokeDoneApp(g.bound().Most, g.bound().Unchecked), Next: &Link{"/security/secure", g.say.RevokeStolen()}}, []string{"e1"}}
	several := g.house(g.crowd(10)...)
	several.Ended = g.endings()[1:]
	several.Done = &DoneTo{Flash{Tone: ToneSuccess, Text: g.say.SelectedDone(3), Detail: g.say.OthersDoneApps(3, g.bound().Most, g.bound().Unchecked)}, []string{"e1", "e2", "e3"}}
	picked := g.house(g.crowd(14)...)
	picked.Picked = []string{"c1", "c2", "c7"}
	return []State{
		g.devicesState("selected", picked), g.devicesState("9", short(9, 8)), g.devicesState("10", short(10, 9)), g.devicesState("100", short(100, 20)),
		g.devicesState("100 all", all), g.devicesState("10000, a later page", huge),
		g.devicesState("found", search("pixel", 12, 12)), g.devicesState("found one", search("television 5", 1, 1)), g.devicesState("not found", none),
		g.devicesState("renamed", renamed), g.devicesState("renamed this one", own), g.devicesState("signed out one", one), g.devicesState("signed out several", several),
		g.selected("one", g.crowd(2)[1:], 0), g.selected("twelve", g.crowd(13)[1:], 2),
	}
}

func (g gallery) selected(name string, devices []Device, ended int) State {
	return State{"revoke selected/" + name, RevokeSelected(RevokeSelectedPage{
		Shell: g.in(g.say.SelectedTitle(), "devices"), Now: g.now, Devices: devices, Ended: ended, Bound: g.bound(),
	})}
}

func (g gallery) questions() []State {
	apps, browsers := g.many()
	one := func(name string, d Device) State {
		return State{"revoke/" + name, Revoke(RevokePage{Shell: g.in(g.say.RevokeTitle(), "devices"), Now: g.now, Device: d, Bound: g.bound()})}
	}
	unknown := func(name string, d Device) State {
		return State{"revoke/" + name, Revoke(RevokePage{Shell: g.in(g.say.RevokeTitle(), "devices"), Now: g.now, Device: d, Unknown: true, Bound: g.bound()})}
	}
	others := func(name string, devices []Device) State {
		return State{"revoke others/" + name, RevokeOthers(RevokeOthersPage{
			Shell: g.in(g.say.OthersTitle(), "devices"), Now: g.now, Devices: devices, Bound: g.bound(),
		})}
	}
	return []State{
		one("app", apps[0]), {"revoke/without lists", Revoke(RevokePage{
			Shell: g.in(g.say.RevokeTitle(), "devices"), Now: g.now, Device: apps[1], Bound: Bound{Most: g.say.DurationMinutes(15)},
		})}, one("browser", browsers[1]), one("this browser", browsers[0]),
		one("hostile", apps[5]), one("long", apps[3]), one("right to left", apps[6]),
		unknown("unknown app", apps[0]), unknown("unknown browser", browsers[1]),
		others("none", nil), others("one browser", browsers[1:2]), others("many", append(apps, browsers[1:]...)),
	}
}

// since are the questions about a device that its owner does not recognise.
func (g gallery) since() []State {
	apps, browsers := g.many()
	page := func(name string, p RevokeSincePage) State {
		p.Now, p.Bound = g.now, g.bound()
		p.Shell = g.in(g.say.SinceTitle(), "devices")
		return State{"revoke since/" + name, RevokeSince(p)}
	}
	added := []catalog.Sentence{g.say.SincePasskey("Pixel 9"), g.say.SincePasskey(hostile), {Text: g.say.SinceApp()}, {Text: g.say.SinceCodes()}}
	refused := FormProblems{Summary: g.say.SinceRefused(), Fields: map[string]string{
		"code": g.say.Error("This was added after that device signed in, so it can’t confirm this. Use one that you had before."),
	}}
	return []State{
		page("nothing later", RevokeSincePage{Device: apps[0]}), page("a browser", RevokeSincePage{Device: browsers[1]}),
		page("one later", RevokeSincePage{Device: browsers[1], Later: apps[:1]}), page("many later", RevokeSincePage{Device: apps[5], Later: apps, More: 210}),
		page("ended", RevokeSincePage{Device: apps[1], Ended: true}), page("ended, some later", RevokeSincePage{Device: apps[1], Ended: true, Later: browsers[1:]}),
		page("factors", RevokeSincePage{Device: apps[0], Later: browsers[1:], Factors: added, Confirm: byAll}),
		page("factors, by passkey", RevokeSincePage{Device: apps[6], Factors: added[:1], Confirm: byPasskey}),
		page("factors, refused", RevokeSincePage{Device: apps[0], Factors: added, Confirm: byCode, Problems: refused}),
		page("factors, not to confirm", RevokeSincePage{Device: apps[3], Later: apps[:2], Factors: added[2:], Confirm: Confirm{SecondFactor: true}, CannotConfirm: true}),
		page("factors, ended", RevokeSincePage{Device: apps[1], Ended: true, Factors: added[3:], Confirm: byOldCode}),
	}
}
