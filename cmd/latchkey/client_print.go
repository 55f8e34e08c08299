package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"latchkey/auth/client"
	"latchkey/models"
)

// jsonOption is for commands that can print for programs.
type jsonOption struct {
	JSON bool `name:"json" help:"One JSON object a line."`
}

func printJSON(w io.Writer, line any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(line)
}

// print shows a client, with the secret that it got now.
func (o jsonOption) print(w io.Writer, c models.Client, secret string) error {
	if o.JSON {
		return printJSON(w, newClientFile(c, secret))
	}
	printHead(w, c)
	printSecret(w, secret)
	printClient(w, "    ", c)
	return nil
}

func printHead(w io.Writer, c models.Client) {
	fmt.Fprintf(w, "%s  %s  %s\n", c.ID, c.CreatedAt.Format(time.DateOnly), c.Name)
}

func printSecret(w io.Writer, secret string) {
	if secret != "" {
		fmt.Fprintf(w, "client_secret: %s\nThis is the only time that the secret is shown. Keep it where only the app's server can read it.\n", secret)
	}
}

// printClient prints what is registered of a client, beside its name, each on a line of its own.
func printClient(w io.Writer, indent string, c models.Client) {
	line := func(label, value string) {
		if value != "" {
			fmt.Fprintf(w, "%s%s: %s\n", indent, label, value)
		}
	}
	lines := func(label, list string) {
		for value := range strings.FieldsSeq(list) {
			line(label, value)
		}
	}
	if c.Confidential() {
		line("Type", "confidential")
	}
	lines("Redirect URI", c.RedirectURIs)
	lines("Post-logout URI", c.PostLogoutURIs)
	lines("Origin", c.Origins)
	line("Back-channel logout URI", c.BackchannelLogoutURI)
	if c.DeviceGrant {
		line("Device grant", "on")
	}
	if c.SSO {
		line("Single sign-on", "on")
	}
	lines("Scope", c.Scopes)
	printLimits(line, c.Limits())
	apps := client.AppsOf(c)
	for _, app := range apps.IOS {
		line("iOS app", app)
	}
	for _, app := range apps.Android {
		for _, certificate := range app.Certificates {
			line("Android app", app.Package+" "+client.Fingerprint(certificate))
		}
	}
}

func printLimits(line func(label, value string), l models.ClientLimits) {
	if l.Lifetime > 0 {
		line("Lifetime of devices", l.Lifetime.String())
	}
	if l.Idle > 0 {
		line("Devices idle after", l.Idle.String())
	}
	if l.MaxDevices > 0 {
		line("Devices of one account", strconv.Itoa(l.MaxDevices))
	}
	if l.ReplaceOldest {
		line("At that limit", models.OnLimitReplaceOldest)
	}
}

// clientFile is a client in JSON, with the names of RFC 7591 §2 where it has any.
type clientFile struct {
	ID                   string    `json:"client_id"`
	Secret               string    `json:"client_secret,omitempty"` // only when it is new
	Name                 string    `json:"client_name"`
	CreatedAt            time.Time `json:"created_at"`
	Confidential         bool      `json:"confidential"`
	RedirectURIs         []string  `json:"redirect_uris"`
	PostLogoutURIs       []string  `json:"post_logout_redirect_uris"`
	Origins              []string  `json:"origins"`
	BackchannelLogoutURI string    `json:"backchannel_logout_uri"`
	DeviceGrant          bool      `json:"device_grant"`
	SSO                  bool      `json:"sso"`
	Scope                string    `json:"scope"`
	Lifetime             int64     `json:"device_lifetime"` // seconds; 0: no limit of its own
	Idle                 int64     `json:"device_idle"`     // seconds; 0: no limit of its own
	MaxDevices           int       `json:"max_devices"`     // 0: no limit of its own
	OnLimit              string    `json:"on_limit"`
	IOSApps              []string  `json:"ios_apps"`
	AndroidApps          []string  `json:"android_apps"`
}

func newClientFile(c models.Client, secret string) clientFile {
	limits, onLimit := c.Limits(), models.OnLimitRefuse
	if limits.ReplaceOldest {
		onLimit = models.OnLimitReplaceOldest
	}
	list := func(text string) []string { return append([]string{}, strings.Fields(text)...) }
	return clientFile{
		ID: c.ID, Secret: secret, Name: c.Name, CreatedAt: c.CreatedAt.UTC(), Confidential: c.Confidential(), RedirectURIs: list(c.RedirectURIs),
		PostLogoutURIs: list(c.PostLogoutURIs), Origins: list(c.Origins), BackchannelLogoutURI: c.BackchannelLogoutURI, DeviceGrant: c.DeviceGrant,
		SSO: c.SSO, Scope: c.Scopes, Lifetime: int64(limits.Lifetime / time.Second), Idle: int64(limits.Idle / time.Second), MaxDevices: limits.MaxDevices, OnLimit: onLimit,
		IOSApps: list(c.IOSApps), AndroidApps: list(c.AndroidApps),
	}
}
