package auth

import "github.com/mileusna/useragent"

// Agent is what a User-Agent header says, in words.
type Agent struct {
	Name string // "Firefox on Linux", "Unknown browser"
	Icon string // phone, tablet, laptop or unknown
}

// UnknownBrowser is the name of what a User-Agent does not tell.
const UnknownBrowser = "Unknown browser"

// DescribeAgent names a browser. It never fails: what it does not know it calls unknown.
func DescribeAgent(header string) Agent {
	ua := useragent.Parse(header)
	a := Agent{Name: UnknownBrowser, Icon: "unknown"}
	switch {
	case ua.Mobile:
		a.Icon = "phone"
	case ua.Tablet:
		a.Icon = "tablet"
	case ua.Desktop:
		a.Icon = "laptop"
	}
	known := ua.Mobile || ua.Tablet || ua.Desktop || ua.OS != ""
	if ua.Name == "" || !known || ua.Bot {
		return a
	}
	a.Name = ua.Name
	if ua.OS != "" {
		a.Name += " on " + ua.OS
	}
	name, problem := deviceName(a.Name)
	if problem != "" {
		name = UnknownBrowser // the library copies parts of the header
	}
	a.Name = name
	return a
}
