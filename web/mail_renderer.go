package web

import (
	"bytes"
	"context"
	"fmt"
	"net/url"

	"latchkey/auth"
	"latchkey/auth/notify"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/catalog"
)

// linkPaths are the paths of the links in mails.
var linkPaths = map[notify.Kind]string{
	notify.KindNewDevice: notMeLink.path, notify.KindDeviceReused: notMeLink.path, notify.KindPasswordChanged: notMeLink.path,
	notify.KindEmailConfirm: emailLink.path, notify.KindEmailChanged: undoLink.path,
	notify.KindFactorAdded: notMeLink.path, notify.KindFactorRemoved: notMeLink.path, notify.KindFactorRenamed: notMeLink.path,
	notify.KindFactorClosed: notMeLink.path,
	notify.KindCodesMade:    notMeLink.path, notify.KindRecoveryCodeUsed: notMeLink.path, notify.KindSecondStepMissed: notMeLink.path,
	notify.KindPasswordReset: passwordResetLink.path, notify.KindInvited: inviteLink.path, notify.KindSignup: signupLink.path,
}

// MailRenderer renders notifications as mails. Their links begin with baseURL and do not depend on a Host header. A mail is in the
// recipient's language if that is one of languages, and else in the first of them; none given: those of Config.Languages.
func MailRenderer(baseURL string, languages ...string) notify.Render {
	choice, err := catalog.NewChoice(languages, catalog.Complete)
	if err != nil {
		return func(notify.Notification) (notify.Rendered, error) { return notify.Rendered{}, err }
	}
	return mailRenderer(baseURL, choice)
}

func mailRenderer(baseURL string, languages *catalog.Choice) notify.Render {
	return func(l notify.Notification) (notify.Rendered, error) {
		p := languages.Pick("", l.Language)
		where := func(address string) views.Place { return near(l.Places, address, p.Tag()) }
		m := views.Mail{
			Say:  p,
			Kind: string(l.Kind), To: l.To, At: l.At, Address: l.IP, Device: l.DeviceName, Operator: l.ByOperator, First: l.First, Again: l.Again, Until: l.Until, Base: baseURL,
			Before: l.Before, After: l.After, Agent: agentOf(p, l.UserAgent, l.DeviceName), Since: l.Since, Total: int(l.SignInsTotal),
			Code: l.Code, Removed: factorsRemoved(p, l.Removed), CodesLeft: l.CodesLeft, Place: where(l.IP), Copied: placeCopied(copiedSignIn(l.Reuse), where),
		}
		if l.FormerLanguage != nil {
			if former := languages.Pick("", *l.FormerLanguage); former != p {
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
		var b bytes.Buffer
		if err := views.HTMLMail(m).Render(catalog.With(context.Background(), p), &b); err != nil {
			return notify.Rendered{}, fmt.Errorf("render mail: %w", err)
		}
		return notify.Rendered{Subject: m.Subject(), Text: m.Text(), HTML: b.String()}, nil
	}
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
