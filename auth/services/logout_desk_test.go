package services_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"latchkey/auth/browser"
	"latchkey/auth/client"
	"latchkey/auth/keys"
	"latchkey/auth/mail"
	"latchkey/auth/notify"
	"latchkey/auth/services"
	"latchkey/auth/signin"
	"latchkey/auth/token"
	"latchkey/models"
)

// listener is the back-channel logout endpoint of a client. It keeps the claims of what it was sent.
type listener struct {
	*httptest.Server
	desk   *desk
	mu     sync.Mutex
	answer []int // the statuses of the next answers; none left: 200
	got    []jwt.MapClaims
}

// listen registers the client "told" with a listener, and "untold" without one, and lets the desk send.
func (d *desk) listen(t *testing.T) *listener {
	t.Helper()
	l := &listener{desk: d}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { l.serve(t, w, r) }))
	t.Cleanup(l.Close)
	for _, n := range []client.Registration{
		{Name: "Told", ID: "told", BackchannelLogoutURI: l.URL + "/out", PostLogoutURIs: []string{"https://told.example/bye", "com.example.told:/bye"}},
		{Name: "Untold", ID: "untold", PostLogoutURIs: []string{"https://untold.example/bye"}},
	} {
		if _, err := d.Clients.Add(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	d.change(t, func(c *services.Config) {
		c.PostLogout = func(ctx context.Context, uri, token string) (int, error) {
			request, err := http.NewRequestWithContext(ctx, http.MethodPost, uri, strings.NewReader(url.Values{"logout_token": {token}}.Encode()))
			if err != nil {
				return 0, err
			}
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			response, err := l.Client().Do(request)
			if err != nil {
				return 0, err
			}
			return response.StatusCode, response.Body.Close()
		}
	})
	return l
}

func (l *listener) serve(t *testing.T, w http.ResponseWriter, r *http.Request) {
	status := http.StatusOK
	l.mu.Lock()
	if len(l.answer) > 0 {
		status, l.answer = l.answer[0], l.answer[1:]
	}
	l.mu.Unlock()
	parsed, err := jwt.NewParser(jwt.WithIssuer("https://id.example.com"), jwt.WithAudience("told"), jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithTimeFunc(l.desk.now)).
		Parse(r.PostFormValue("logout_token"), func(token *jwt.Token) (any, error) {
			kid, _ := token.Header["kid"].(string)
			key, ok := l.desk.Keys.Find(kid)
			if !ok {
				return nil, jwt.ErrTokenUnverifiable
			}
			return key.Public(), nil
		})
	if err != nil || parsed.Header["typ"] != "logout+jwt" || r.Method != http.MethodPost {
		t.Errorf("%s: %v, header %v", r.Method, err, parsed)
	} else {
		l.mu.Lock()
		l.got = append(l.got, parsed.Claims.(jwt.MapClaims))
		l.mu.Unlock()
	}
	w.WriteHeader(status)
}

// will makes the listener give these answers next.
func (l *listener) will(statuses ...int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answer = statuses
}

// heard takes the claims that came since it was called last.
func (l *listener) heard() []jwt.MapClaims {
	l.mu.Lock()
	defer l.mu.Unlock()
	got := l.got
	l.got = nil
	return got
}

// sendNotices tells the clients what is due.
func (d *desk) sendNotices(t *testing.T) {
	t.Helper()
	if err := d.Logout.SendNotices(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func noticesIn(t *testing.T, store *models.Store) (n int) {
	t.Helper()
	if err := store.Pools()[0].QueryRowContext(t.Context(), "SELECT count(*) FROM logout_notices").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// member is a person with a browser, an app of the client that is told, and one of the client that is not.
type member struct {
	models.User
	by           *browser.Session
	told, untold token.Answer
}

const memberPassword = "an evening in the mountains"

func (d *desk) member(t *testing.T, email string) member {
	t.Helper()
	user, err := d.Operator.AddUser(t.Context(), email, memberPassword, models.RoleUser)
	if err != nil {
		t.Fatal(err)
	}
	m := member{User: user}
	m.told, m.untold = d.appOf(t, email, "told", "phone"), d.appOf(t, email, "untold", "tablet")
	key, err := d.SignIn.LoginBrowser(t.Context(), browser.Login{Email: email, Password: memberPassword, From: at("192.0.2.1")})
	if err != nil {
		t.Fatal(err)
	}
	if m.by, err = d.Browsers.Authenticate(t.Context(), key, at("192.0.2.1")); err != nil {
		t.Fatal(err)
	}
	return m
}

func (d *desk) appOf(t *testing.T, email, client, name string) token.Answer {
	t.Helper()
	answer, err := d.SignIn.Login(t.Context(), signin.LoginRequest{Email: email, Password: memberPassword, DeviceName: name, ClientID: client, From: at("192.0.2.1")})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// letters is a sender that keeps the notifications in its mails.
type letters struct {
	mu   sync.Mutex
	list []notify.Notification
}

func (l *letters) Send(_ context.Context, m mail.Message) error {
	var n notify.Notification
	if err := json.Unmarshal([]byte(m.Text), &n); err != nil {
		return err
	}
	n.To = m.To
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, n)
	return nil
}

// link is that of the latest mail of a kind to an address.
func (d *desk) link(t *testing.T, l *letters, kind notify.Kind, to string) (secret string) {
	t.Helper()
	d.sendAll(t)
	for _, n := range l.list {
		if n.Kind == kind && n.To == to && n.Link != "" {
			secret = n.Link
		}
	}
	if secret == "" {
		t.Fatalf("no mail of kind %s to %s", kind, to)
	}
	return secret
}

func (d *desk) keepLetters(t *testing.T) *letters {
	t.Helper()
	l := &letters{}
	d.change(t, func(c *services.Config) {
		c.Mail = l
		c.Render = func(n notify.Notification) (notify.Rendered, error) {
			text, err := json.Marshal(n)
			return notify.Rendered{Subject: string(n.Kind), Text: string(text), HTML: "<p>"}, err
		}
	})
	return l
}

// idToken signs an ID token as the token endpoint does.
func (d *desk) idToken(t *testing.T, user uuid.UUID, client string, device uuid.UUID) string {
	t.Helper()
	return d.idTokenOf(t, "JWT", d.idClaims(user, client, device))
}

func (d *desk) idClaims(user uuid.UUID, client string, device uuid.UUID) jwt.MapClaims {
	return jwt.MapClaims{
		"iss": "https://id.example.com", "sub": user.String(), "aud": client, "sid": device.String(), "iat": d.now().Unix(), "exp": d.now().Add(15 * time.Minute).Unix(),
	}
}

func (d *desk) idTokenOf(t *testing.T, typ string, claims jwt.MapClaims) string {
	t.Helper()
	key, err := d.Keys.Current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	token, err := keys.Sign(key, typ, claims)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// minutes is how long ago or ahead a claim of a token is.
func minutes(t *testing.T, claims jwt.MapClaims, name string, now time.Time) time.Duration {
	t.Helper()
	seconds, ok := claims[name].(float64)
	if !ok {
		t.Errorf("%s is %v", name, claims[name])
	}
	return time.Unix(int64(seconds), 0).Sub(now.Truncate(time.Second))
}
