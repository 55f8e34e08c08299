package views

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"latchkey/views/catalog"
)

// DevicesPage lists the live devices of one person.
type DevicesPage struct {
	Shell
	Now       time.Time // relative times are counted from here
	Current   *Device   // the browser that looks at the page; nil: it was signed out since
	Groups    []DeviceGroup
	Apps      int      // that match, of all pages
	Browsers  int      // the same, besides the current one
	Others    int      // devices besides the current one
	Picked    []string // ids of devices that are selected already
	Part      DevicePart
	Ended     []Ended // recently, the latest first
	EndedMost int     // how many of those are listed at most, if so many are; zero: all of them are listed
	Alerts    []Alert // newest first
	// PasswordChanged says that the password was changed since the newest theft.
	PasswordChanged bool
	AlertsSeen      string         // what dismissing them sends back
	Rename          *RenameRefusal // a rename that was refused, shown in its row
	Done            *DoneTo        // what was just done to rows of the page; nil: nothing
}

// DeviceGroup is the devices of one app that are listed, or the browsers.
type DeviceGroup struct {
	Browsers bool
	App      string // its name; empty: not known
	Total    int    // of all pages
	Devices  []Device
}

// DevicePart says which part of the devices is listed, from ten devices on.
type DevicePart struct {
	Query          string // what was searched for
	Found, Shown   int    // besides the current device
	All            bool   // page by page, not the short list
	Page, Pages    int    // from 1 on; no pages: the short list
	Previous, Next string // URLs of other pages; empty: no such page
}

// manyDevices is how many devices a person has before the list can be searched and several can be selected.
const manyDevices = 10

func (p DevicesPage) many() bool { return p.Others+1 >= manyDevices }

// DoneTo is a message about rows of a page, which is shown where they are.
type DoneTo struct {
	Flash Flash
	IDs   []string // of the devices
}

// to tells whether something was done to a device.
func (d *DoneTo) to(id string) bool {
	return d != nil && slices.Contains(d.IDs, id)
}

// TellInPlace moves the shell's message to where its devices are listed, if they are.
func (p *DevicesPage) TellInPlace() {
	if p.Flash == nil || len(p.Flash.Devices) == 0 {
		return
	}
	p.Done = &DoneTo{*p.Flash, p.Flash.Devices}
	if p.lists() || p.toEnded() {
		p.Flash = nil
	} else {
		p.Done = nil
	}
}

// lists tells whether a device that something was done to is among those that are signed in.
func (p DevicesPage) lists() bool {
	if p.Current != nil && p.Done.to(p.Current.ID) {
		return true
	}
	for _, g := range p.Groups {
		if slices.ContainsFunc(g.Devices, func(d Device) bool { return p.Done.to(d.ID) }) {
			return true
		}
	}
	return false
}

// toEnded tells whether it was done to one of those that have ended: the message stands over their list.
func (p DevicesPage) toEnded() bool {
	return slices.ContainsFunc(p.Ended, func(e Ended) bool { return p.Done.to(e.ID) })
}

// Ended is a device that is not signed in any more.
type Ended struct {
	ID     string
	Name   string
	Icon   string
	Reason string // a sentence: "Signed out by you."
	Alarm  bool   // deserves attention: its sign-in may have been copied
	Owner  bool   // the person signed it out
	At     time.Time
}

// DeviceStoryPage is everything that is kept of one device.
type DeviceStoryPage struct {
	Shell
	Now           time.Time
	Device        Device
	SignedInFrom  string // address
	SignedInPlace Place
	Program       string    // of its latest use, where it is another than at the sign-in; may be empty
	Key           string    // the beginning and the end of the thumbprint of its key; empty: not bound to a key
	ConfirmedAt   time.Time // when its owner was verified last; zero: at the sign-in only
	ConfirmedBy   string    // how: "with a passkey"; may be empty
	End           *Ended    // nil: it is signed in
	Theft         *Alert    // its sign-in was copied; nil: no
	Rename        *RenameRefusal
	Events        []Event
	Older         string // URL of the next page; empty on the last
	Newest        string // URL of the first page; empty on it
}

// RevokeSincePage asks whether a device that its owner does not recognise is to be signed out with everything since.
type RevokeSincePage struct {
	Shell
	Now     time.Time
	Device  Device
	Ended   bool     // it was signed out already
	Later   []Device // live, the most recently active ones
	More    int      // that are not listed
	Bound   Bound
	Factors []catalog.Sentence // that were added since, in words
	// Confirm asks who is there, with factors from before. CannotConfirm says that there are none.
	Confirm       Confirm
	CannotConfirm bool
	Problems      FormProblems
}

func (p RevokeSincePage) later() int { return len(p.Later) + p.More }

// asks reports whether the form asks for a confirmation. Then it is a page of its own, not a question over another.
func (p RevokeSincePage) asks() bool { return len(p.Factors) > 0 && !p.CannotConfirm }

func (p RevokeSincePage) action() string { return devicePath(p.Device.ID, "revoke-since") }

// RevokeSelectedPage asks whether the selected devices are to be signed out.
type RevokeSelectedPage struct {
	Shell
	Now     time.Time
	Devices []Device
	Ended   int // selected as well, and signed out already
	Bound   Bound
}

// ids are those of the devices, as the form sends them.
func (p RevokeSelectedPage) ids() string { return strings.Join(p.list(), ",") }

func (p RevokeSelectedPage) list() (ids []string) {
	for _, d := range p.Devices {
		ids = append(ids, d.ID)
	}
	return ids
}

// back leads back to the list, where the devices stay selected.
func (p RevokeSelectedPage) back() string {
	return "/devices?" + url.Values{"device": p.list()}.Encode()
}
