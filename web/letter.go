package web

import (
	"bytes"
	"context"
	"fmt"
	"net/url"

	"latchkey/auth"
	"latchkey/views"
)

// linkPaths are where the links of letters lead.
var linkPaths = map[auth.LetterKind]string{
	auth.LetterNewDevice: notMeLink.path, auth.LetterDeviceReused: notMeLink.path, auth.LetterPasswordChanged: notMeLink.path,
	auth.LetterEmailConfirm: emailLink.path, auth.LetterEmailChanged: undoLink.path,
	auth.LetterReset: resetLink.path, auth.LetterSignup: signupLink.path,
}

// MailRenderer puts letters into words. Their links begin with the base URL, whatever a request's Host header said.
func MailRenderer(baseURL string) auth.Render {
	return func(l auth.Letter) (auth.Words, error) {
		m := views.Mail{
			Kind: string(l.Kind), To: l.To, At: l.At, Address: l.IP, Device: l.DeviceName, Operator: l.ByOperator, Again: l.Again, Until: l.Until, Base: baseURL,
			Before: l.Before, After: l.After,
		}
		if agent := auth.DescribeAgent(l.UserAgent); agent.Name != auth.UnknownBrowser {
			m.Agent = agent.Name
		}
		if l.Link != "" {
			path, ok := linkPaths[l.Kind]
			if !ok {
				return auth.Words{}, fmt.Errorf("web: a letter %q has a link that leads nowhere", l.Kind)
			}
			m.Link = baseURL + path + "?token=" + url.QueryEscape(l.Link)
		}
		var b bytes.Buffer
		if err := views.Letter(m).Render(context.Background(), &b); err != nil {
			return auth.Words{}, fmt.Errorf("render mail: %w", err)
		}
		return auth.Words{Subject: m.Subject(), Text: m.Text(), HTML: b.String()}, nil
	}
}
