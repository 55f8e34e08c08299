package web

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/gorilla/sessions"

	"latchkey/auth"
	"latchkey/auth/notify"
	"latchkey/views"
	"latchkey/views/catalog"
)

const (
	// linkLife is how long a link that was opened waits for its answer in the browser.
	linkLife = 30 * time.Minute
	// maxLinks is how many links of one kind a browser keeps; the one opened longest ago goes first.
	maxLinks = 8
)

// linkPage is a kind of mailed link. The link leads to path with the secret in its query; its page is at path/{link}.
type linkPage struct {
	path   string
	cookie string                       // names the cookie that keeps the secrets of this kind
	next   string                       // where a person whose link is dead goes on
	offer  func(catalog.Printer) string // what that is
	find   func(*Server, context.Context, string) error
}

var (
	passwordResetLink = linkPage{"/reset", "reset", "/forgot", catalog.Printer.ErrorNewLink, func(s *Server, ctx context.Context, secret string) error {
		_, err := s.accounts.FindPasswordReset(ctx, secret)
		return err
	}}
	inviteLink = linkPage{"/invite", "invite", "/forgot", catalog.Printer.ErrorNewLink, func(s *Server, ctx context.Context, secret string) error {
		_, err := s.accounts.FindInvitation(ctx, secret)
		return err
	}}
	signupLink = linkPage{"/signup/confirm", "signup", "/signup", catalog.Printer.ErrorNewLink, func(s *Server, ctx context.Context, secret string) error {
		_, _, err := s.accounts.FindSignup(ctx, secret)
		return err
	}}
	emailLink = linkPage{"/email/confirm", "email", "/security/email", catalog.Printer.ErrorNewLink, func(s *Server, ctx context.Context, secret string) error {
		_, err := s.addresses.Find(ctx, secret)
		return err
	}}
	undoLink = linkPage{"/email/undo", "undo", "/forgot", catalog.Printer.ErrorNewPassword, func(s *Server, ctx context.Context, secret string) error {
		_, err := s.addresses.FindUndo(ctx, secret)
		return err
	}}
	notMeLink = linkPage{"/not-me", "alarm", "/forgot", catalog.Printer.ErrorNewPassword, func(s *Server, ctx context.Context, secret string) error {
		_, err := s.accounts.FindNotMe(ctx, secret)
		return err
	}}
)

// deadEnd is a link that cannot be used, with where to go on.
type deadEnd struct {
	error
	heading func(catalog.Printer) string // nil: the one of its status
	next    string
	offer   func(catalog.Printer) string // of next
}

func (e *deadEnd) Unwrap() error { return e.error }

// fill says on an error's page what the dead link adds to it.
func (e *deadEnd) fill(p catalog.Printer, page *views.ErrorPage) {
	page.BackURL = e.next
	if e.offer != nil {
		page.BackText = e.offer(p)
	}
	if e.heading != nil {
		page.Heading, page.Quiet = e.heading(p), true
		if page.BackText == p.ErrorNewLink() {
			page.Text = p.TextTwo(page.Text, p.ErrorOrNewLink())
		}
	}
}

var errNoSecret = &auth.Error{
	Kind:    auth.KindDeadLink,
	Message: "This link was opened in another browser, or too long ago. Open it from the e-mail again. Nothing was changed.",
}

// deadEnd adds the next step to the refusal of a dead link. Other errors stay as they are.
func (s *Server) deadEnd(p linkPage, err error) error {
	if err == nil || auth.AsError(err).Kind != auth.KindDeadLink {
		return err
	}
	end := &deadEnd{error: err, next: p.next, offer: p.offer}
	if p.path == signupLink.path && !s.accounts.Config().SignupOpen {
		end.next, end.offer = "", nil
	}
	if auth.AsError(err) == errNoSecret {
		end.heading = catalog.Printer.ErrorHeadingFollowAgain
	}
	return end
}

// follow takes a mailed link's secret out of the address, into the cookie of its kind, so that it reaches neither the
// browser's history nor a Referer, and goes on to the link's own page. Nothing is used up: programs look at every link in a
// mail. A link that cannot be used sets no cookie.
func (s *Server) follow(p linkPage) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Referrer-Policy", "no-referrer") // of this answer alone: a page with it would post its form without an Origin
		s.cookies.expireOldLink(w, r, p)
		secrets := r.URL.Query()["token"]
		if len(secrets) == 0 {
			return s.deadEnd(p, errNoSecret)
		}
		if err := p.find(s, r.Context(), secrets[0]); err != nil && auth.AsError(err).Kind != auth.KindUsedLink {
			return s.deadEnd(p, err)
		}
		if err := s.cookies.addLink(w, r, p, secrets[0]); err != nil {
			return err
		}
		return redirect(w, r, p.at(secrets[0]))
	}
}

// at is the address of a link's own page.
func (p linkPage) at(secret string) string { return p.path + "/" + notify.LinkID(secret) }

// unnamed refuses a form that does not say which link it is about, as pages before this release had it.
func (s *Server) unnamed(p linkPage) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		s.cookies.expireOldLink(w, r, p)
		return s.deadEnd(p, errNoSecret)
	}
}

// followed is for the page and the form of a link that this browser holds the secret of. Other browsers learn nothing there.
func (s *Server) followed(p linkPage, h func(w http.ResponseWriter, r *http.Request, secret string) error) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		for _, secret := range s.cookies.linkSecrets(r, p) {
			if notify.LinkID(secret) == r.PathValue("link") {
				return s.deadEnd(p, h(w, r, secret))
			}
		}
		return s.deadEnd(p, errNoSecret)
	}
}

// linkCookie names the cookie of a kind of link. It has no __Host- prefix, which would forbid a path: so it goes only with
// requests for pages of its kind.
func (c *cookies) linkCookie(p linkPage) string {
	if c.links.Options.Secure {
		return "__Secure-latchkey-links-" + p.cookie
	}
	return "latchkey-links-" + p.cookie
}

func (c *cookies) linkOptions(p linkPage) *sessions.Options {
	options := *c.links.Options
	options.Path = p.path
	return &options
}

// addLink adds a secret, newest last.
func (c *cookies) addLink(w http.ResponseWriter, r *http.Request, p linkPage, secret string) error {
	list := slices.DeleteFunc(c.linkSecrets(r, p), func(kept string) bool { return kept == secret })
	list = append(list, secret)
	session := sessions.NewSession(c.links, c.linkCookie(p))
	session.Options = c.linkOptions(p)
	session.Values["secrets"] = list[max(0, len(list)-maxLinks):]
	return c.links.Save(r, w, session)
}

// linkSecrets are the secrets of the links of one kind that were opened here lately.
func (c *cookies) linkSecrets(r *http.Request, p linkPage) []string {
	session, err := c.links.New(r, c.linkCookie(p))
	if err != nil {
		return nil
	}
	list, _ := session.Values["secrets"].([]string)
	return list
}

// expireOldLink removes the cookie of earlier releases, which kept one link for each path.
func (c *cookies) expireOldLink(w http.ResponseWriter, r *http.Request, p linkPage) {
	name := "latchkey-link"
	if c.links.Options.Secure {
		name = "__Secure-" + name
	}
	if _, err := r.Cookie(name); err != nil {
		return
	}
	options := c.linkOptions(p)
	options.MaxAge = -1
	http.SetCookie(w, sessions.NewCookie(name, "", options))
}
