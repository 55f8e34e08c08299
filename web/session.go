package web

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/challenge"
	"latchkey/auth/seal"
	"latchkey/views"
	"latchkey/views/catalog"
)

const (
	markLife  = 400 * 24 * time.Hour // as long as browsers keep any cookie
	flashLife = 5 * time.Minute
)

// cookies are the kinds of the portal's cookies, each signed and encrypted but for the language: who is signed in, and whether that sign-in offers a change
// of password; the message for the next page; the browser's mark, so that the limits on sign-in recognise the browser; the mailed links that were opened here; the
// sign-in that waits for its second step; and the accounts that let this browser skip it.
type cookies struct {
	session, flashes, marks, links, steps, trusted *sessions.CookieStore
	prefix                                         string
}

func newCookies(c Config, https bool, life time.Duration) (*cookies, error) {
	secrets := append([][]byte{c.Secret}, c.Previous...)
	authentication, err := seal.Keys(secrets, "cookie authentication")
	if err != nil {
		return nil, err
	}
	encryption, err := seal.Keys(secrets, "cookie encryption")
	if err != nil {
		return nil, err
	}
	var pairs [][]byte
	for i := range secrets {
		pairs = append(pairs, authentication[i], encryption[i])
	}
	store := func(life time.Duration) *sessions.CookieStore {
		s := sessions.NewCookieStore(pairs...)
		// Every option by hand: the library's defaults leave HttpOnly out.
		s.Options = &sessions.Options{Path: "/", Secure: https, HttpOnly: true, SameSite: http.SameSiteLaxMode}
		s.MaxAge(int(life / time.Second))
		return s
	}
	prefix := "latchkey"
	if https {
		prefix = "__Host-latchkey" // the browser then refuses it from a sibling domain or without Secure (RFC 6265bis §4.1.3.2)
	}
	return &cookies{session: store(life), flashes: store(flashLife), marks: store(markLife), links: store(linkLife), steps: store(challenge.BrowserLife),
		trusted: store(challenge.TrustLife), prefix: prefix}, nil
}

func (c *cookies) has(r *http.Request) bool {
	_, err := r.Cookie(c.prefix)
	return err == nil
}

// key reads what the browser carries. It returns false when there is no cookie or it cannot be read.
func (c *cookies) key(r *http.Request) (browser.Key, bool) {
	session, err := c.session.New(r, c.prefix)
	text, _ := session.Values["key"].(string)
	raw, decodeErr := base64.RawURLEncoding.DecodeString(text)
	var key browser.Key
	if err != nil || decodeErr != nil || len(raw) != 2*len(uuid.UUID{})+len(key.Secret) {
		return key, false
	}
	copy(key.UserID[:], raw)
	copy(key.DeviceID[:], raw[16:])
	copy(key.Secret[:], raw[32:])
	return key, true
}

func (c *cookies) setSession(w http.ResponseWriter, r *http.Request, key browser.Key) error {
	raw := append(append(key.UserID[:], key.DeviceID[:]...), key.Secret[:]...)
	session := sessions.NewSession(c.session, c.prefix)
	options := *c.session.Options
	session.Options = &options
	session.Values["key"] = base64.RawURLEncoding.EncodeToString(raw)
	return c.session.Save(r, w, session)
}

// renew seals a cookie again that was read under a previous secret, so that it outlives that secret.
func (c *cookies) renew(w http.ResponseWriter, r *http.Request, key browser.Key) error {
	cookie, err := r.Cookie(c.prefix)
	if err != nil {
		return nil // there is nothing to renew
	}
	values := map[any]any{}
	if securecookie.DecodeMulti(c.prefix, cookie.Value, &values, c.session.Codecs[0]) == nil {
		return nil
	}
	return c.setSession(w, r, key)
}

func (c *cookies) clearSession(w http.ResponseWriter, _ *http.Request) { c.expire(w, c.prefix) }

func (c *cookies) expire(w http.ResponseWriter, name string) {
	options := *c.session.Options
	options.MaxAge = -1
	http.SetCookie(w, sessions.NewCookie(name, "", &options))
}

// flash leaves a message for the next page.
func (c *cookies) flash(w http.ResponseWriter, r *http.Request, tone views.Tone, text string) {
	c.leave(w, r, views.Flash{Tone: tone, Text: text})
}

// notice is a message whose sentence may name something.
func notice(tone views.Tone, s catalog.Sentence) views.Flash {
	return views.Flash{Tone: tone, Text: s.Text, Names: s.Names}
}

// leave is flash for a message with names or a detail. A message that cannot be kept is not worth an error.
func (c *cookies) leave(w http.ResponseWriter, r *http.Request, f views.Flash) {
	session := sessions.NewSession(c.flashes, c.prefix+"-flash")
	options := *c.flashes.Options
	session.Options = &options
	session.Values["tone"], session.Values["text"], session.Values["names"], session.Values["detail"] = string(f.Tone), f.Text, f.Names, f.Detail
	session.Values["email"], session.Values["devices"] = f.Email, f.Devices
	if f.Next != nil {
		session.Values["next"], session.Values["next text"] = f.Next.URL, f.Next.Text
	}
	_ = c.flashes.Save(r, w, session)
}

// takeFlash takes the waiting message, if there is one. It waits on when a script asks for the page (W3C Fetch Metadata, Sec-Fetch-Dest),
// which shows only a part of it.
func (c *cookies) takeFlash(w http.ResponseWriter, r *http.Request) *views.Flash {
	if _, err := r.Cookie(c.prefix + "-flash"); err != nil || r.Header.Get("Sec-Fetch-Dest") == "empty" {
		return nil
	}
	c.expire(w, c.prefix+"-flash")
	return c.readFlash(r)
}

// readFlash is takeFlash for a page that may still fail: the message waits on.
func (c *cookies) readFlash(r *http.Request) *views.Flash {
	name := c.prefix + "-flash"
	if _, err := r.Cookie(name); err != nil {
		return nil
	}
	session, err := c.flashes.New(r, name)
	tone, _ := session.Values["tone"].(string)
	text, _ := session.Values["text"].(string)
	names, _ := session.Values["names"].([]string)
	detail, _ := session.Values["detail"].(string)
	email, _ := session.Values["email"].(string)
	devices, _ := session.Values["devices"].([]string)
	if err != nil || text == "" {
		return nil
	}
	f := &views.Flash{Tone: views.Tone(tone), Text: text, Names: names, Detail: detail, Email: email, Devices: devices}
	if next, ok := session.Values["next"].(string); ok {
		label, _ := session.Values["next text"].(string)
		f.Next = &views.Link{URL: next, Text: label}
	}
	return f
}

// knownMark is the browser's own random mark, or "" when it has none yet.
func (c *cookies) knownMark(r *http.Request) string {
	name := c.prefix + "-browser"
	if _, err := r.Cookie(name); err != nil {
		return ""
	}
	session, err := c.marks.New(r, name)
	if mark, ok := session.Values["mark"].(string); ok && err == nil {
		return mark
	}
	return ""
}

// mark is knownMark, and gives the browser one where it has none: when it signs in, or sets a password.
func (c *cookies) mark(w http.ResponseWriter, r *http.Request) string {
	if mark := c.knownMark(r); mark != "" {
		return mark
	}
	mark := rand.Text()
	session := sessions.NewSession(c.marks, c.prefix+"-browser")
	options := *c.marks.Options
	session.Options = &options
	session.Values["mark"] = mark
	if c.marks.Save(r, w, session) != nil {
		return ""
	}
	return mark
}

// keepLanguage remembers the language that was chosen in this browser. It is no secret, and is neither signed nor sealed.
func (c *cookies) keepLanguage(w http.ResponseWriter, tag string) {
	http.SetCookie(w, sessions.NewCookie(c.prefix+"-language", tag, c.marks.Options)) // kept as long as the browser's mark
}

// language is what keepLanguage kept, or "". It may be anything: the browser's owner can write it.
func (c *cookies) language(r *http.Request) string {
	if cookie, err := r.Cookie(c.prefix + "-language"); err == nil {
		return cookie.Value
	}
	return ""
}

// session finds who is signed in on this browser. It returns auth.KindSignedOut when no one is.
func (s *Server) session(r *http.Request) (*browser.Session, error) {
	key, ok := s.cookies.key(r)
	if !ok {
		return nil, &auth.Error{Kind: auth.KindSignedOut, Message: "You’re not signed in."}
	}
	from, err := s.caller(r)
	if err != nil {
		return nil, err
	}
	return s.browsers.Authenticate(r.Context(), key, from)
}
