package main

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// checkSettings judges what serve reads only later than the flags and variables, and settings that contradict each other.
func (d *doctor) checkSettings(context.Context) {
	const check = "settings"
	before := len(d.findings)
	s := &d.settings
	for _, name := range unknownSettings() {
		d.warn(check, name+" is not a setting", "Correct the name, or remove it.")
	}
	if err := s.readFiles(); err != nil {
		d.problem(check, err.Error(), "Name a file that the server's user can read, or set the variable itself, and not both.")
		return
	}
	d.readable = true
	_, mailErr := s.smtp()
	_, brandErr := s.brand()
	_, placesErr := s.places()
	for _, err := range []error{mailErr, brandErr, placesErr} {
		if err != nil {
			d.problem(check, err.Error(), "The server does not start with it. Correct the setting or remove it.")
		}
	}
	if s.Signup == "open" && s.SMTPURL == "" {
		d.problem(check, "LATCHKEY_SIGNUP is open without mail, but every new e-mail address is confirmed by mail", "Set LATCHKEY_SMTP_URL and LATCHKEY_MAIL_FROM, or close it.")
	}
	d.checkContradictions()
	if len(d.findings) == before {
		d.ok(check, "readable, and none contradicts another")
	}
}

func (d *doctor) checkContradictions() {
	const check = "settings"
	s := &d.settings
	for _, c := range []struct {
		wrong    bool
		says, do string
	}{
		{s.MailFrom != "" && s.SMTPURL == "", "LATCHKEY_MAIL_FROM is set, but without LATCHKEY_SMTP_URL no mail is sent", "Set LATCHKEY_SMTP_URL."},
		{s.DeviceIdle > s.DeviceLifetime, "LATCHKEY_DEVICE_IDLE is longer than LATCHKEY_DEVICE_LIFETIME, so that it never counts", "Make it shorter."},
		{s.BrowserIdle > s.BrowserLifetime, "LATCHKEY_BROWSER_IDLE is longer than LATCHKEY_BROWSER_LIFETIME, so that it never counts", "Make it shorter."},
		{s.AccessTTL > s.DeviceIdle, "LATCHKEY_ACCESS_TTL is longer than LATCHKEY_DEVICE_IDLE: apps that use their access token to its end must sign in again", "Make it shorter."},
		{s.SecondFactor == "required" && s.BaseURL != "" && isIP(s.BaseURL), "a second factor is required, but passkeys need a host name, and LATCHKEY_BASE_URL has an IP address",
			"Give the server a name, or expect people to use an authenticator app."},
	} {
		if c.wrong {
			d.warn(check, c.says, c.do)
		}
	}
	if issuer := strings.TrimRight(s.Issuer, "/"); issuer != "" && issuer != s.origin(nil) {
		d.warn(check, "LATCHKEY_ISSUER is not the base URL: clients of OpenID Connect look for the metadata below the issuer and do not find them there",
			"Remove LATCHKEY_ISSUER, or set it to "+s.origin(nil)+".")
	}
}

// isIP reports whether the host of a URL is an IP address.
func isIP(text string) bool {
	u, err := url.Parse(text)
	if err != nil {
		return false
	}
	_, err = netip.ParseAddr(u.Hostname())
	return err == nil
}

// checkProxies judges whose X-Forwarded-For is believed.
func (d *doctor) checkProxies(context.Context) {
	const check = "proxies"
	s := &d.settings
	for _, cidr := range s.TrustedProxies {
		if prefix, err := netip.ParsePrefix(cidr); err == nil && prefix.Bits() == 0 {
			d.problem(check, fmt.Sprintf("LATCHKEY_TRUSTED_PROXIES has %s: any client chooses the IP address that limits, mails and the log go by", cidr),
				"List the networks of your proxies only.")
			return
		}
	}
	switch https := strings.HasPrefix(s.origin(nil), "https://"); {
	case len(s.TrustedProxies) > 0:
		d.ok(check, "trusted are "+strings.Join(s.TrustedProxies, ", "))
	case https:
		d.warn(check, "the base URL is https, so that a proxy ends TLS, but LATCHKEY_TRUSTED_PROXIES is empty: all people seem to come from the proxy, and share its limits",
			"Set it to the proxy's network, like 127.0.0.1/32, and let the proxy set X-Forwarded-For.")
	default:
		d.ok(check, "none, and the base URL is http")
	}
}

// issuer is the iss of tokens, as serve sets it.
func (d *doctor) issuer() string { return cmp.Or(d.settings.Issuer, d.settings.origin(nil)) }
