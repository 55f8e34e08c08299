package auth

import (
	"github.com/mileusna/useragent"
)

// Agent describes the program that a User-Agent header names, in words from fixed lists.
type Agent struct {
	Name string // "Firefox on Linux", "Unknown browser"
	Icon string // phone, tablet, laptop or unknown
	// Device is what it runs on: "Pixel 9", "iPhone", "Windows"; empty: not known. It may be any text: show it only to who sent the header.
	Device string
}

// UnknownBrowser is the name of a browser that DescribeAgent does not know.
const UnknownBrowser = "Unknown browser"

// browsers maps the library's names of browsers to ours. The library copies names that it does not know from the header, which an
// attacker can write. Such names must not appear in mails and on pages.
var browsers = map[string]string{
	useragent.Chrome: "Chrome", useragent.Firefox: "Firefox", useragent.Safari: "Safari", useragent.Edge: "Edge", useragent.Opera: "Opera",
	useragent.OperaMini: "Opera Mini", useragent.OperaTouch: "Opera Touch", useragent.Vivaldi: "Vivaldi", useragent.InternetExplorer: "Internet Explorer",
	useragent.SamsungBrowser: "Samsung Browser", useragent.FacebookApp: "Facebook", useragent.InstagramApp: "Instagram", useragent.TiktokApp: "TikTok",
	useragent.BlackBerry: "BlackBerry browser", "Miui Browser": "Mi Browser", "Huawei Browser": "Huawei Browser", "Android browser": "Android browser",
	"Brave": "Brave", "YaBrowser": "Yandex Browser", "UCBrowser": "UC Browser", "DuckDuckGo": "DuckDuckGo", "Ddg": "DuckDuckGo", "Whale": "Whale",
	"Silk": "Silk", "GSA": "Google app", "Epiphany": "GNOME Web", "Falkon": "Falkon", "Konqueror": "Konqueror", "SeaMonkey": "SeaMonkey",
	"Waterfox": "Waterfox", "PaleMoon": "Pale Moon", "LibreWolf": "LibreWolf",
}

// systems maps the library's names of operating systems to ours, for the same reason.
var systems = map[string]string{
	useragent.Windows: "Windows", useragent.WindowsPhone: "Windows Phone", useragent.Android: "Android", useragent.MacOS: "macOS", useragent.IOS: "iOS",
	useragent.Linux: "Linux", useragent.FreeBSD: "FreeBSD", useragent.ChromeOS: "ChromeOS", useragent.BlackBerry: "BlackBerry", useragent.Harmony: "HarmonyOS",
}

// DescribeAgent names the browser of a User-Agent header, using only names from fixed lists. It never fails: anything else is
// UnknownBrowser.
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
	name, system := browsers[ua.Name], systems[ua.OS]
	if a.Device = system; len(ua.Device) > 1 { // Chrome says K for each Android device
		a.Device = ua.Device
	}
	known := ua.Mobile || ua.Tablet || ua.Desktop || ua.OS != ""
	if name == "" || !known || ua.Bot {
		return a
	}
	a.Name = name
	if system != "" {
		a.Name += " on " + system
	}
	return a
}
