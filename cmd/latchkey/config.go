package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"latchkey/auth/mail"
	"latchkey/auth/origin"
	"latchkey/auth/place"
	"latchkey/web"
)

// Settings are read from LATCHKEY_… variables and from flags; flags win. Secrets and database URLs have no flag,
// because a flag shows in ps. An absent setting has the default written here.
type Settings struct {
	Addr            string        `env:"LATCHKEY_ADDR" default:"localhost:8080" help:"Listen address."`
	BaseURL         string        `name:"base-url" env:"LATCHKEY_BASE_URL" help:"Public origin; https turns on Secure cookies and HSTS. Default: http:// and the address."`
	SecretFile      string        `env:"LATCHKEY_SECRET_FILE" help:"File with the server secret, base64 of at least 32 random bytes. Default with SQLite: 'secret' beside the database, made at first start."`
	Issuer          string        `env:"LATCHKEY_ISSUER" help:"iss of access tokens. Default: the base URL."`
	Audience        string        `env:"LATCHKEY_AUDIENCE" help:"aud of access tokens. Default: the issuer."`
	SigningAlg      string        `env:"LATCHKEY_SIGNING_ALG" default:"ES256" enum:"ES256,EdDSA,RS256" help:"ES256, EdDSA or RS256."`
	AccessTTL       time.Duration `name:"access-ttl" env:"LATCHKEY_ACCESS_TTL" default:"15m" help:"Life of an access token."`
	StatusTTL       time.Duration `name:"status-ttl" env:"LATCHKEY_STATUS_TTL" default:"30s" help:"How long resource servers may go by a status list they fetched: a sign-out reaches them within it and two seconds. 0 turns the lists off."`
	DeviceLifetime  time.Duration `env:"LATCHKEY_DEVICE_LIFETIME" default:"2160h" help:"Absolute life of a device, fixed at sign-in."`
	DeviceIdle      time.Duration `env:"LATCHKEY_DEVICE_IDLE" default:"720h" help:"A device unseen for so long must sign in again."`
	MaxRefreshes    int64         `env:"LATCHKEY_MAX_REFRESHES" default:"0" help:"Refreshes per device, fixed at sign-in; 0: no limit."`
	RetryWindow     time.Duration `env:"LATCHKEY_RETRY_WINDOW" default:"10s" help:"How long a refresh may be repeated from the same address."`
	BrowserLifetime time.Duration `env:"LATCHKEY_BROWSER_LIFETIME" default:"720h" help:"Absolute life of a portal sign-in."`
	BrowserIdle     time.Duration `env:"LATCHKEY_BROWSER_IDLE" default:"24h" help:"A browser unseen for so long must sign in again."`
	MaxDevices      int           `env:"LATCHKEY_MAX_DEVICES" default:"100" help:"Live apps of one user, and live browsers."`
	Signup          string        `env:"LATCHKEY_SIGNUP" default:"closed" enum:"open,closed" help:"open or closed; --demo opens it."`
	PasswordMin     int           `env:"LATCHKEY_PASSWORD_MIN" default:"12" help:"Shortest password, at least 8 characters."`
	BreachURL       string        `name:"breach-url" env:"LATCHKEY_BREACH_URL" help:"Where new passwords are looked up among breached ones, by five digits of their hash: https://api.pwnedpasswords.com/range or a mirror of it. Off when empty."`
	SecondFactor    string        `name:"second-factor" env:"LATCHKEY_SECOND_FACTOR" default:"" enum:",optional,support,required" help:"Who must have a second factor: optional (no one), support (the support staff) or required (everybody). Default: support, and optional with --demo."`
	DeviceNameClaim string        `env:"LATCHKEY_DEVICE_NAME_CLAIM" default:"on" enum:"on,off" help:"Put device_name into access tokens: on or off."`
	DPoP            string        `name:"dpop" env:"LATCHKEY_DPOP" default:"optional" enum:"optional,required" help:"Whether new apps must bind their tokens to a key (RFC 9449): optional or required."`
	DPoPNonce       string        `name:"dpop-nonce" env:"LATCHKEY_DPOP_NONCE" default:"off" enum:"off,required" help:"Whether DPoP proofs must carry a nonce of this server: off or required."`
	DBConns         int           `name:"db-conns" env:"LATCHKEY_DB_CONNS" default:"16" help:"PostgreSQL connections of this process."`
	TrustedProxies  []string      `env:"LATCHKEY_TRUSTED_PROXIES" help:"CIDRs whose X-Forwarded-For is believed."`
	Drain           time.Duration `env:"LATCHKEY_DRAIN" default:"0s" help:"How long /readyz says 503 on SIGTERM while requests are still taken, for load balancers to notice."`
	Log             string        `env:"LATCHKEY_LOG" default:"text" enum:"text,json" help:"text or json."`
	LogIP           string        `name:"log-ip" env:"LATCHKEY_LOG_IP" default:"hash" enum:"off,hash,full" help:"What the log tells about where a refused sign-in came from: off, a keyed hash of its network, or the full IP address."`
	MailFrom        string        `env:"LATCHKEY_MAIL_FROM" help:"Sender of mails: an address, or Name <address>. Needed with LATCHKEY_SMTP_URL."`
	MailReplyTo     string        `env:"LATCHKEY_MAIL_REPLY_TO" help:"Where answers to mails go: an address, or Name <address>. Default: the sender."`
	IncidentRate    int           `name:"incident-mail-rate" env:"LATCHKEY_INCIDENT_MAIL_RATE" default:"60" help:"Mails about an incident in a minute, of all replicas together, while no other mail is due; 0: none."`
	MetricsAddr     string        `env:"LATCHKEY_METRICS_ADDR" help:"Separate listener for /metrics; off when empty."`

	Languages       []string `env:"LATCHKEY_LANGUAGES" help:"Languages that people may choose, the default first, by their tags: en. Default: all that the portal is translated into."`
	BrandName       string   `env:"LATCHKEY_BRAND_NAME" help:"What the service is called on pages, in mails, passkeys and authenticator apps. Default: Latchkey."`
	BrandLogo       string   `env:"LATCHKEY_BRAND_LOGO" help:"File with the logo, an SVG or a PNG; mails show a PNG only."`
	BrandAccent     string   `env:"LATCHKEY_BRAND_ACCENT" help:"Colour of links and buttons, like #0b655b; one with which text cannot be read is refused."`
	BrandSupportURL string   `name:"brand-support-url" env:"LATCHKEY_BRAND_SUPPORT_URL" help:"Where people get help: an https: or mailto: URL."`
	BrandTermsURL   string   `name:"brand-terms-url" env:"LATCHKEY_BRAND_TERMS_URL" help:"Terms of service, to which people agree when they sign up: an https: URL."`
	BrandPrivacyURL string   `name:"brand-privacy-url" env:"LATCHKEY_BRAND_PRIVACY_URL" help:"Privacy policy: an https: URL."`
	BrandImprintURL string   `name:"brand-imprint-url" env:"LATCHKEY_BRAND_IMPRINT_URL" help:"Who runs the service: an https: URL."`
	GeoDatabase     string   `name:"geo-database" env:"LATCHKEY_GEO_DATABASE" help:"File with a database of cities or countries in the MaxMind DB format: pages and mails then say near which city an IP address is. Read at the start; nothing is looked up over the network."`
	SecurityContact []string `env:"LATCHKEY_SECURITY_CONTACT" help:"Where people report weaknesses: e-mail addresses, or https:, mailto: or tel: URLs; shown in /.well-known/security.txt, which is not there without."`

	SMTPURL        string `kong:"-"` // LATCHKEY_SMTP_URL: smtp://user:password@host:port or smtps://…; empty: no mail
	Database       string `kong:"-"` // LATCHKEY_DATABASE: sqlite:PATH or a postgres:// URL; empty: sqlite:data/latchkey.db
	Secret         string `kong:"-"` // LATCHKEY_SECRET: base64 of at least 32 random bytes; empty: see secrets
	SecretPrevious string `kong:"-"` // LATCHKEY_SECRET_PREVIOUS: such texts, separated by commas; usually empty

	// Files that hold the settings without their endings: LATCHKEY_DATABASE_FILE and so on. See readFiles.
	DatabaseFile, SecretPreviousFile, SMTPURLFile string `kong:"-"`
	Credentials                                   string `kong:"-"` // CREDENTIALS_DIRECTORY of systemd, where such files lie, too: see readFiles
}

// Validate is called by kong once everything is read. It names the setting that is wrong.
func (s *Settings) Validate() error {
	for _, d := range []struct {
		name        string
		value       time.Duration
		least, most time.Duration
	}{
		{"LATCHKEY_ACCESS_TTL", s.AccessTTL, 10 * time.Second, 24 * time.Hour},
		{"LATCHKEY_DEVICE_LIFETIME", s.DeviceLifetime, time.Minute, 100 * 365 * 24 * time.Hour},
		{"LATCHKEY_DEVICE_IDLE", s.DeviceIdle, time.Minute, 100 * 365 * 24 * time.Hour},
		{"LATCHKEY_BROWSER_LIFETIME", s.BrowserLifetime, time.Minute, 400 * 24 * time.Hour},
		{"LATCHKEY_BROWSER_IDLE", s.BrowserIdle, 2 * time.Minute, 400 * 24 * time.Hour},
		{"LATCHKEY_STATUS_TTL", s.StatusTTL, 0, 24 * time.Hour},
		{"LATCHKEY_RETRY_WINDOW", s.RetryWindow, 0, time.Hour},
		{"LATCHKEY_DRAIN", s.Drain, 0, time.Hour},
	} {
		if d.value < d.least || d.value > d.most {
			return fmt.Errorf("%s: %s is not between %s and %s", d.name, d.value, d.least, d.most)
		}
	}
	if s.StatusTTL%time.Second != 0 {
		return fmt.Errorf("LATCHKEY_STATUS_TTL: %s is not whole seconds", s.StatusTTL)
	}
	for _, n := range []struct {
		name               string
		value, least, most int64
	}{
		{"LATCHKEY_MAX_REFRESHES", s.MaxRefreshes, 0, 1 << 40},
		{"LATCHKEY_MAX_DEVICES", int64(s.MaxDevices), 1, 10_000},
		{"LATCHKEY_PASSWORD_MIN", int64(s.PasswordMin), 8, 128},
		{"LATCHKEY_DB_CONNS", int64(s.DBConns), 1, 1000},
		{"LATCHKEY_INCIDENT_MAIL_RATE", int64(s.IncidentRate), 0, 60_000},
	} {
		if n.value < n.least || n.value > n.most {
			return fmt.Errorf("%s: %d is not between %d and %d", n.name, n.value, n.least, n.most)
		}
	}
	return s.validateAddresses()
}

func (s *Settings) validateAddresses() error {
	if _, _, err := net.SplitHostPort(s.Addr); err != nil {
		return fmt.Errorf("LATCHKEY_ADDR: %q is not host:port", s.Addr)
	}
	if s.MetricsAddr != "" {
		if _, _, err := net.SplitHostPort(s.MetricsAddr); err != nil {
			return fmt.Errorf("LATCHKEY_METRICS_ADDR: %q is not host:port", s.MetricsAddr)
		}
	}
	if s.MailFrom != "" {
		if _, err := mail.ParseFrom(s.MailFrom); err != nil {
			return settingError("LATCHKEY_MAIL_FROM", err)
		}
	}
	if s.MailReplyTo != "" {
		if _, err := mail.ParseFrom(s.MailReplyTo); err != nil {
			return settingError("LATCHKEY_MAIL_REPLY_TO", err)
		}
	}
	if err := s.validateBrand(); err != nil {
		return err
	}
	if s.BaseURL != "" {
		if _, err := origin.Parse(s.BaseURL); err != nil {
			return settingError("LATCHKEY_BASE_URL", err)
		}
	}
	if err := web.CheckLanguages(s.Languages); err != nil {
		return settingError("LATCHKEY_LANGUAGES", err)
	}
	for _, contact := range s.SecurityContact {
		if _, err := web.ParseContact(contact); err != nil {
			return fmt.Errorf("LATCHKEY_SECURITY_CONTACT: %q is %w", contact, err)
		}
	}
	if s.BreachURL != "" {
		if _, err := newBreachClient(s.BreachURL); err != nil {
			return settingError("LATCHKEY_BREACH_URL", err)
		}
	}
	for i, cidr := range s.TrustedProxies {
		s.TrustedProxies[i] = strings.TrimSpace(cidr)
		if _, err := netip.ParsePrefix(s.TrustedProxies[i]); err != nil {
			return fmt.Errorf("LATCHKEY_TRUSTED_PROXIES: %q is not a CIDR like 10.0.0.0/8", cidr)
		}
	}
	return nil
}

// sender takes mails; nil: no mail is sent.
func (s *Settings) sender() (mail.Sender, error) {
	sender, err := s.smtp()
	if sender == nil {
		return nil, err // and no interface that holds nil
	}
	return sender, err
}

// places is the database that LATCHKEY_GEO_DATABASE names, or nil.
func (s *Settings) places() (*place.Database, error) {
	if s.GeoDatabase == "" {
		return nil, nil //nolint:nilnil // the file is optional
	}
	d, err := place.Open(s.GeoDatabase)
	if err != nil {
		return nil, settingError("LATCHKEY_GEO_DATABASE", err)
	}
	return d, nil
}

// smtp is the sender that LATCHKEY_SMTP_URL names, or nil. No error repeats the URL, for the password in it.
func (s *Settings) smtp() (*mail.SMTP, error) {
	if s.SMTPURL == "" {
		return nil, nil // mail is optional
	}
	if s.MailFrom == "" {
		return nil, errors.New("LATCHKEY_MAIL_FROM: must be set with LATCHKEY_SMTP_URL, like no-reply@example.com")
	}
	from, err := mail.ParseFrom(s.MailFrom)
	if err != nil {
		return nil, settingError("LATCHKEY_MAIL_FROM", err)
	}
	from.Name = cmp.Or(from.Name, s.BrandName)
	sender, err := mail.NewSMTP(s.SMTPURL, from)
	if err != nil {
		return nil, settingError("LATCHKEY_SMTP_URL", err)
	}
	if sender.ReplyTo, err = s.replyTo(); err != nil {
		return nil, err
	}
	if u, err := url.Parse(s.origin(nil)); err == nil {
		sender.Hello = u.Hostname()
	}
	return sender, nil
}

// replyTo is where answers to mails go; nil: to the sender.
func (s *Settings) replyTo() (*netmail.Address, error) {
	if s.MailReplyTo == "" {
		return nil, nil //nolint:nilnil // the header is optional
	}
	to, err := mail.ParseFrom(s.MailReplyTo)
	if err != nil {
		return nil, settingError("LATCHKEY_MAIL_REPLY_TO", err)
	}
	return to, nil
}

// origin is the base URL, or the one that the listener's address makes.
func (s *Settings) origin(listening net.Addr) string {
	if s.BaseURL != "" {
		return strings.TrimRight(s.BaseURL, "/")
	}
	host, port, err := net.SplitHostPort(s.Addr)
	if tcp, ok := listening.(*net.TCPAddr); ok && err == nil {
		port = fmt.Sprint(tcp.Port)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// settingError names the setting that an error comes from.
func settingError(name string, err error) error { return fmt.Errorf("%s: %w", name, err) }
