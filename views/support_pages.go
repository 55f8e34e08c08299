package views

import "time"

// SupportPage is the front page of the support desk: the search, and either what it found or the last 30 days.
type SupportPage struct {
	Shell
	Now      time.Time
	Search   SupportSearch
	Searched bool
	TooSlow  bool // the search was given up
	Further  bool // a page behind the first one
	First    string
	People   []SupportPerson
	Devices  []SupportDevice
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
	Now       time.Time
	Person    SupportPerson
	Summary   []SummaryFact
	Reason    string // that was given for this look; may be empty
	Back      string // URL of the results that led here; may be empty
	Filters   []Filter
	Live      []SupportDevice
	MoreLive  bool // there are more than are listed
	Ended     []SupportDevice
	Events    []Event
	MoreEnded string // URLs of the next pages; empty on the last
	Older     string
	Newest    string // URL of the first page; empty on it
}

// SummaryFact is one line of the summary of a person.
type SummaryFact struct {
	Label string
	Text  string    // our own words, English
	Since time.Time // tells when: after the text; zero: it does not
	Name  string    // of a device, other people's words, after the time; may be empty
	Alarm bool      // deserves attention
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
