package main

import (
	"cmp"
	"errors"
	"net"
	netmail "net/mail"
	"net/url"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"latchkey/auth"
	"latchkey/auth/keyring"
	"latchkey/auth/mail"
	"latchkey/auth/services"
)

type serveCommand struct {
	Demo bool `help:"Make two demonstration accounts on an empty database, and open sign-up; needs a loopback address."`
}

// Run serves until a signal.
func (c *serveCommand) Run(env *environment) error {
	if c.Demo && !loopback(env.settings.Addr) {
		return usageError{"--demo needs a loopback address: it makes accounts whose passwords it prints"}
	}
	if u, err := url.Parse(env.settings.BaseURL); c.Demo && env.settings.BaseURL != "" && (err != nil || !loopback(net.JoinHostPort(u.Hostname(), "80"))) {
		return usageError{"--demo needs a LATCHKEY_BASE_URL on this machine: it shows every mail to anyone who asks"}
	}
	for _, name := range unknownSettings() {
		env.logger().Warn("this variable is not a setting", "name", name)
	}
	env.gallery, env.demo = c.Demo, c.Demo
	p, err := Start(env, func(config *services.Config) {
		if c.Demo {
			config.SignupOpen = true
			if env.settings.SecondFactor == "" { // a visitor can look at the support desk at once
				config.SecondFactor = auth.FactorOptional
			}
			config.Mail = cmp.Or[mail.Sender](config.Mail, env.settings.outbox())
		}
	})
	if err != nil {
		return err
	}
	collectAsServer()
	if !c.Demo { // a demonstration ends with its terminal
		signal.Ignore(syscall.SIGHUP) // some tools send it after a log was rotated: there is nothing to read again
	}
	if c.Demo {
		err = demo(env.ctx, p, env.stdout)
	}
	if err == nil {
		p.tellReady()
		err = p.Wait(env.ctx)
	}
	p.tellStopping()
	env.logger().Info("stopping")
	if err == nil && env.settings.Drain > 0 {
		err = p.Drain(env.settings.Drain)
	}
	return errors.Join(err, p.Close())
}

// outbox is where the demonstration writes its mails: beside the embedded database, or in data.
func (s *Settings) outbox() *mail.Files {
	folder := "data"
	if path, embedded := strings.CutPrefix(s.database(), "sqlite:"); embedded {
		folder = filepath.Dir(path)
	}
	replyTo, _ := s.replyTo() // which Validate has checked
	return &mail.Files{Folder: filepath.Join(folder, "mail"), From: &netmail.Address{Name: cmp.Or(s.BrandName, "Latchkey"), Address: "no-reply@localhost"}, ReplyTo: replyTo}
}

// onlyHosts are the names under which the demonstration, which shows every mail, may be asked for: those of this machine.
func (e *environment) onlyHosts() []string {
	if !e.demo {
		return nil
	}
	hosts := []string{"localhost", "127.0.0.1", "::1"}
	for _, address := range []string{"//" + e.settings.Addr, e.settings.BaseURL} { // both on this machine, or the start is refused
		if u, err := url.Parse(address); err == nil && u.Hostname() != "" {
			hosts = append(hosts, u.Hostname())
		}
	}
	return hosts
}

func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

// keyError says what to do when the signing keys cannot be opened.
func keyError(err error) error {
	if errors.Is(err, keyring.ErrSealedByOther) {
		return errors.New("server secret: the signing keys in the database were sealed under another secret than the one in LATCHKEY_SECRET " +
			"or its file; bring that one back, or name it in LATCHKEY_SECRET_PREVIOUS")
	}
	return err
}
