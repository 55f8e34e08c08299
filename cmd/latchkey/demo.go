package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/mail"
	"latchkey/auth/operator"
	"latchkey/auth/services"
	"latchkey/auth/signin"
	"latchkey/auth/token"
	"latchkey/models"
)

const (
	demoUser    = "ada@example.com"
	demoSupport = "sam@example.com"
)

// demo fills an empty database with two accounts and what they may be looked at with, by the same calls that real
// people's requests make, and prints how to get in. On any other database it says what is there.
func demo(ctx context.Context, p *Program, out io.Writer) error {
	users, err := p.store.CountUsers(ctx)
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\nLatchkey serves at %s\n\n", p.URL())
	if users > 0 {
		fmt.Fprintf(&b, "The database holds accounts already (%d); nothing was added. Their passwords are not known here:\n"+
			"  %[2]s user list\n  %[2]s user set-password EMAIL\n\n", users, os.Args[0])
		mailsShown(&b, p)
		_, err := io.WriteString(out, b.String())
		return err
	}
	ada, sam := operator.NewPassword(p.config.PasswordMin), operator.NewPassword(p.config.PasswordMin)
	if _, err := p.Services.Operator.AddUser(ctx, demoUser, ada, models.RoleUser); err != nil {
		return err
	}
	if _, err := p.Services.Operator.AddUser(ctx, demoSupport, sam, models.RoleSupport); err != nil {
		return err
	}
	if err := demoDevices(ctx, p.Services, ada); err != nil {
		return fmt.Errorf("demonstration devices: %w", err)
	}
	fmt.Fprintf(&b, "  %-18s %s  (two browsers, three phones; one of those was found stolen)\n", demoUser, ada)
	fmt.Fprintf(&b, "  %-18s %s  (support staff)\n\n", demoSupport, sam)
	mailsShown(&b, p)
	fmt.Fprintf(&b, "Sign in as an app:\n\n  curl -s %s/api/login -H 'Content-Type: application/json' \\\n"+
		"    -d '{\"email\":\"%s\",\"password\":\"%s\",\"device_name\":\"phone\"}'\n\n", p.URL(), demoUser, ada)
	_, err = io.WriteString(out, b.String())
	return err
}

func mailsShown(b *strings.Builder, p *Program) {
	if _, files := p.config.Mail.(*mail.Files); files {
		fmt.Fprintf(b, "Mails are written, not sent: %s/gallery/mail\n\n", p.URL())
	}
}

// demoDevices signs ada in on two browsers and three phones, and lets a thief use a copy of one phone's token.
func demoDevices(ctx context.Context, s *services.Services, password string) error {
	from := func(ip, agent string) auth.Caller { return auth.Caller{IP: netip.MustParseAddr(ip), UserAgent: agent} }
	for _, c := range []auth.Caller{
		from("192.0.2.10", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
		from("198.51.100.23", "Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"),
	} {
		if _, err := s.SignIn.LoginBrowser(ctx, browser.Login{Email: demoUser, Password: password, From: c}); err != nil {
			return err
		}
	}
	for i, name := range []string{"Pixel 9", "iPhone", "old phone"} {
		c := from([]string{"192.0.2.10", "203.0.113.7", "198.51.100.90"}[i], []string{"ExampleApp/3.2 (Android 16)", "ExampleApp/3.2 (iOS 19)", "ExampleApp/2.9 (Android 12)"}[i])
		first, err := s.SignIn.Login(ctx, signin.LoginRequest{Email: demoUser, Password: password, DeviceName: name, ClientID: "example-app", From: c})
		if err != nil {
			return err
		}
		second, err := s.Tokens.Refresh(ctx, token.RefreshRequest{Token: first.RefreshToken, From: c})
		if err != nil {
			return err
		}
		if name != "old phone" {
			continue
		}
		thief := from("203.0.113.200", "curl/8.14")
		if _, err := s.Tokens.Refresh(ctx, token.RefreshRequest{Token: second.RefreshToken, From: thief}); err != nil {
			return err
		}
		if _, err := s.Tokens.Refresh(ctx, token.RefreshRequest{Token: first.RefreshToken, From: c}); auth.AsError(err).Reason != token.ReasonReused {
			return fmt.Errorf("the stolen token was not found out: %w", err)
		}
	}
	return nil
}
