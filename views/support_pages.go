package views

import (
	"strings"
	"time"
	"unicode"
)

// SupportPage is the front page of the support desk: the search, and either what it found or the last 30 days.
type SupportPage struct {
	Shell
	Search   SupportSearch
	Searched bool
	TooSlow  bool // the search was given up
	Further  bool // a page behind the first one
	// Address is the IP address that was searched for, "" if it was none. ErrorNumber: the text looks like the number of an error page.
	Address     string
	ErrorNumber bool
	First       string
	People      []SupportPerson
	Devices     []SupportDevice
	// MorePeople and MoreDevices are the URLs of the next pages; empty on the last.
	MorePeople  string
	MoreDevices string
	Charts      []Chart // none: not to be had right now
}

// SupportSearch is the search form with what was typed.
type SupportSearch struct {
	Text, Kind, Live, Seen string
	Problem                string
	Reason                 string // for the looks that follow; may be empty
	ReasonProblem          string
	Dropped                bool   // a reason was given for another search, and does not count
	Trail                  string // the search whose form this is, sealed; empty: none
	OnPerson               bool   // the form stands on a person's page, where the reason has a form of its own
}

// SupportPerson is a person in a list, and at the top of their own page.
type SupportPerson struct {
	ID        string
	Email     string
	URL       string
	Staff     bool
	Disabled  bool
	Devices   int64 // live ones
	CreatedAt time.Time
}

// SupportDevice is a device in a list: nothing can be done with it here.
type SupportDevice struct {
	Device
	SignedInFrom  string // address of the sign-in
	SignedInPlace Place
	Live          bool
	End           string    // why it is live no more, in words
	Alarm         bool      // its sign-in may have been copied
	EndedAt       time.Time // zero where that was not noted
	Owner         SupportPerson
}

// SupportPersonPage shows a person's devices and activity.
type SupportPersonPage struct {
	Shell
	Now     time.Time
	Person  SupportPerson
	Summary []SummaryFact
	Reason  string // that was given for this look; may be empty
	// ReasonTyped was refused as a reason, and ReasonProblem says why; empty: nothing was.
	ReasonTyped, ReasonProblem string
	Trail                      string // that led here, sealed; may be empty
	Marked                     string // id of the device that led here; may be empty
	Back                       string // URL of the results that led here; may be empty
	Filters                    []Filter
	Live                       []SupportDevice
	MoreLive                   bool // there are more than are listed
	Ended                      []SupportDevice
	AllEnded                   int // on all pages
	Events                     []Event
	MoreEnded                  string // URLs of the next pages; empty on the last
	Older                      string
	Newest                     string // URL of the first page; empty on it
}

// SummaryFact is one line of the summary of a person.
type SummaryFact struct {
	Label string
	Text  string    // our own words, English
	Since time.Time // tells when: after the text; zero: it does not
	After string    // our own words after the time; may be empty
	Name  string    // of a device, other people's words, after all that; may be empty
	Alarm bool      // deserves attention
	URL   string    // where the text leads; may be empty
	// Told: the line ends with the address, which may be unknown, and where it is.
	Told    bool
	Address string
	Place   Place
}

// unturned shows the characters of a text that turn the direction of writing as U+FFFD.
func unturned(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Bidi_Control, r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// Chart is how often something happened on each of some days.
type Chart struct {
	ID    string
	Title string
	Group string      // charts of one group have one scale; empty: a scale of its own
	Days  []time.Time // the oldest first
	N     []int64     // one for each day
	Alarm bool        // each one deserves attention
}
