package web

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"strings"

	"latchkey/auth"
	"latchkey/auth/mail"
	"latchkey/auth/notify"
	"latchkey/models"
	"latchkey/static"
	"latchkey/views"
	"latchkey/views/catalog"
)

// linkPaths are the paths of the links in mails.
var linkPaths = map[notify.Kind]string{
	notify.KindNewDevice: notMeLink.path, notify.KindDeviceReused: notMeLink.path, notify.KindDeviceRoom: notMeLink.path, notify.KindDeviceReplaced: notMeLink.path, notify.KindSignedOutSince: notMeLink.path, notify.KindPasswordChanged: notMeLink.path,
	notify.KindEmailConfirm: emailLink.path, notify.KindEmailChanged: undoLink.path,
	notify.KindFactorAdded: notMeLink.path, notify.KindFactorRemoved: notMeLink.path, notify.KindFactorRenamed: notMeLink.path,
	notify.KindFactorClosed: notMeLink.path,
	notify.KindCodesMade:    notMeLink.path, notify.KindRecoveryCodeUsed: notMeLink.path, notify.KindSecondStepMissed: notMeLink.path,
	notify.KindPasswordReset: passwordResetLink.path, notify.KindInvited: inviteLink.path, notify.KindSignup: signupLink.path,
}

// MailRenderer renders notifications as mails. Their links begin with baseURL and do not depend on a Host header. A mail is in the
// recipient's language if that is one of languages, and else in the first of them; none given: those of Config.Languages.
func MailRenderer(baseURL string, languages ...string) notify.Render {
	return Brand{}.MailRenderer(baseURL, languages...)
}

// MailRenderer is the function of that name for a service with a brand.
func (b Brand) MailRenderer(baseURL string, languages ...string) notify.Render {
	choice, err := catalog.NewChoice(languages, catalog.Complete)
	if err != nil {
		return func(notify.Notification) (notify.Rendered, error) { return notify.Rendered{}, err }
	}
	return b.mailRenderer(baseURL, choice)
}

func (b Brand) mailRenderer(baseURL string, languages *catalog.Choice) notify.Render {
	languages = languages.Named(b.Name)
	brand, accents, logo := b.ofMail()
	return func(l notify.Notification) (notify.Rendered, error) {
		p := named(languages.Pick("", l.Language), l.Kind, baseURL)
		where := func(address string) views.Place { return near(l.Places, address, p.Tag()) }
		m := views.Mail{
			Say: p, Brand: brand, Accents: accents,
			Kind: string(l.Kind), To: l.To, At: l.At, Address: l.IP, Device: l.DeviceName, Devices: int(l.Devices), Operator: l.ByOperator, First: l.First, Again: l.Again, Until: l.Until, Base: baseURL,
			Before: l.Before, After: l.After, Agent: agentOf(p, l.UserAgent, l.DeviceName), Since: l.Since, Total: int(l.SignInsTotal),
			Code: l.Code, Removed: factorsRemoved(p, l.Removed), CodesLeft: l.CodesLeft, Place: where(l.IP), Copied: placeCopied(copiedSignIn(l.Reuse), where),
			Locked: l.Locked, Words: l.Words,
		}
		if l.FormerLanguage != nil {
			if former := named(languages.Pick("", *l.FormerLanguage), l.Kind, baseURL); former != p {
				m.Former = &former
			}
		}
		if l.Factor != "" { // the name is the factor's, not a device's
			m.App, m.Factor, m.Device = l.Factor == string(models.FactorTOTP), l.DeviceName, ""
			m.NewName = l.NewName
		}
		for _, in := range l.SignIns {
			m.SignIns = append(m.SignIns, views.MailSignIn{Device: in.DeviceName, Agent: agentOf(p, in.UserAgent, in.DeviceName), Address: in.IP, Place: where(in.IP), At: in.At})
		}
		if l.Link != "" {
			path, ok := linkPaths[l.Kind]
			if !ok {
				return notify.Rendered{}, fmt.Errorf("web: a mail %q has a link without a path", l.Kind)
			}
			m.Link = baseURL + path + "?token=" + url.QueryEscape(l.Link)
		}
		var html bytes.Buffer
		if err := views.HTMLMail(m).Render(catalog.With(context.Background(), p), &html); err != nil {
			return notify.Rendered{}, fmt.Errorf("render mail: %w", err)
		}
		return notify.Rendered{Subject: m.Subject(), Text: m.Text(), HTML: html.String(), Logo: logo}, nil
	}
}

// named is the printer of a mail. One about an incident has no link to the server: where the operator has given the service no name, the host
// says which it is.
func named(p catalog.Printer, kind notify.Kind, baseURL string) catalog.Printer {
	if kind != notify.KindIncident || p.Branded() {
		return p
	}
	_, host, _ := strings.Cut(baseURL, "://")
	return p.Named(host)
}

// ofMail is what a mail shows of the brand: a logo that mail programs can show, which travels with the mail.
func (b Brand) ofMail() (brand views.Brand, accents views.Accents, logo []byte) {
	brand = b.views(nil)
	if b.Logo != nil {
		if logo = b.Logo.PNG(); logo != nil {
			brand.Logo = &views.Logo{URL: "cid:" + mail.LogoID, Wide: b.Logo.Wide()}
			brand.Logo.Width, brand.Logo.Height = b.Logo.Size()
		}
	}
	if b.Accent != nil {
		light, dark := static.ColoursOf(b.Accent)
		accents = views.Accents{Light: light.Accent, OnLight: light.OnAccent, Dark: dark.Accent, OnDark: dark.OnAccent}
	}
	return brand, accents, logo
}

// agentOf names the browser of an act. It returns "" for an unknown browser if the device has a name.
func agentOf(p catalog.Printer, userAgent, device string) string {
	agent := auth.DescribeAgent(userAgent)
	switch {
	case agent.Name != auth.UnknownBrowser:
		return agent.Name
	case userAgent != "" && device == "":
		return p.MailUnknownBrowser()
	}
	return ""
}
