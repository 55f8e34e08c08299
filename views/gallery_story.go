package views

import (
	"time"

	"latchkey/views/catalog"
)

// stories are the pages of single devices.
func (g gallery) stories() []State {
	apps, browsers := g.many()
	state := func(name string, p DeviceStoryPage) State {
		flash := p.Flash
		p.Shell, p.Now = g.in(g.say.StoryFacts(), "devices"), g.now
		p.Flash = flash
		return State{"device/" + name, DeviceStory(p)}
	}
	live := DeviceStoryPage{
		Device: apps[0], SignedInFrom: "203.0.113.7", Program: "Notes 4.3 on Android", Key: "NzbLsXh8…Gq8RkQ", ConfirmedAt: g.ago(20 * day24), ConfirmedBy: g.say.MethodPasskey(),
		Events: g.story(apps[0].Name), Older: "/devices/a1?before=7",
	}
	later := live
	later.Older, later.Newest, later.Events = "", "/devices/a1", live.Events[2:]
	renamed := live
	told := g.say.DevicesRenamed(live.Device.Name)
	renamed.Flash = &Flash{Tone: ToneSuccess, Text: told.Text, Names: told.Names}
	refused := live
	refused.Rename = &RenameRefusal{DeviceID: "a1", Value: hostile, Problem: g.say.Error("Enter at most 64 characters.")}
	this := DeviceStoryPage{Device: browsers[0], SignedInFrom: "203.0.113.7", Events: g.story(browsers[0].Name)[2:]}
	bare := DeviceStoryPage{Device: apps[2], SignedInFrom: "192.0.2.99"}
	end := g.endings()
	ended := DeviceStoryPage{Device: browsers[1], SignedInFrom: "203.0.113.7", End: &end[1], Events: g.story(browsers[1].Name)}
	copied := DeviceStoryPage{Device: apps[1], SignedInFrom: "198.51.100.90", End: &end[0], Events: g.story(apps[1].Name)}
	copied.Theft = &Alert{Theft: true, Device: apps[1].Name, ID: "a2", At: g.ago(25 * time.Minute), Copied: g.copied("where the owner signed in")}
	evil := DeviceStoryPage{Device: apps[5], SignedInFrom: hostile, Program: hostile, End: &end[5], Events: g.story(hostile)}
	odd := DeviceStoryPage{Device: apps[3], SignedInFrom: "2001:0db8:85a3:0000:0000:8a2e:0370:7334", Events: g.story(longWord)[:1]}
	turned := DeviceStoryPage{Device: apps[6], SignedInFrom: "192.0.2.99", Events: g.story(override)}
	return []State{
		state("live", live), state("later page", later), state("renamed", renamed), state("rename refused", refused), state("this one", this),
		state("without history", bare), state("ended", ended), state("copied", copied), state("hostile", evil), state("long", odd), state("right to left", turned),
	}
}

// story is what happened to a device.
func (g gallery) story(device string) []Event {
	said := func(s catalog.Sentence, e Event) Event {
		e.Text, e.Names = s.Text, s.Names
		return e
	}
	return []Event{
		said(g.say.EventConfirmed(device), Event{At: g.ago(3 * time.Hour), Address: "198.51.100.23"}),
		said(g.say.EventDeviceForkedOften(device), Event{At: g.ago(30 * time.Hour), Alarm: true, Agent: "Notes 4.3 on Android", Address: "198.51.100.23"}),
		said(g.say.EventDeviceRenamed("phone", device), Event{At: g.ago(20 * day24), Agent: "Firefox on Linux", Address: "203.0.113.7"}),
		said(g.say.EventSignIn(device), Event{At: g.ago(97 * day24), Address: "203.0.113.7"}),
	}
}
