package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"golang.org/x/oauth2/clientcredentials"

	"latchkey/auth/client"
	"latchkey/auth/mail"
	"latchkey/auth/services"
	"latchkey/auth/webhook"
	"latchkey/models/modelstest"
	"latchkey/views"
	"latchkey/web"
)

// newAPI is an HTTP client that sends a token of the backend's own, and fetches another in time.
func newAPI(base, id, secret string) *http.Client {
	config := clientcredentials.Config{ClientID: id, ClientSecret: secret, TokenURL: base + "/oauth/token"}
	return config.Client(context.Background())
}

// invite creates an account and mails the person. Under the same key it never makes a second one.
func invite(api *http.Client, base, email, key string) (id string, err error) {
	body, _ := json.Marshal(map[string]any{"email": email, "invite": true, "external_id": key})
	request, _ := http.NewRequest(http.MethodPost, base+"/api/admin/users", bytes.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", key)
	var user struct{ ID string }
	err = callAPI(api, request, &user)
	return user.ID, err
}

// signOutEverywhere signs every device of a person out.
func signOutEverywhere(api *http.Client, base, id string) error {
	request, _ := http.NewRequest(http.MethodDelete, base+"/api/admin/users/"+id+"/devices", nil)
	return callAPI(api, request, &struct{}{})
}

func callAPI(api *http.Client, request *http.Request, into any) error {
	answer, err := api.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 300 {
		problem, _ := io.ReadAll(answer.Body)
		return fmt.Errorf("%s: %s", answer.Status, problem)
	}
	return json.NewDecoder(answer.Body).Decode(into)
}

// heard handles the messages of a webhook. Answer within five seconds; after an error they come again.
func heard(check *standardwebhooks.Webhook, revoked func(user, device string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil || check.Verify(body, r.Header) != nil {
			http.Error(w, "not signed by this server", http.StatusBadRequest)
			return
		}
		var message struct {
			Type string
			Data struct {
				User   string `json:"user_id"`
				Device string `json:"device_id"`
			}
		}
		if json.Unmarshal(body, &message) == nil && message.Type == "device.revoked" {
			revoked(message.Data.User, message.Data.Device)
		}
	}
}

// reallyPosts sends webhooks as the program does.
func reallyPosts(ctx context.Context, r webhook.Request) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return 0, err
	}
	request.Header = http.Header{"Webhook-Id": {r.ID}, "Webhook-Timestamp": {r.Timestamp}, "Webhook-Signature": {r.Signature}}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = answer.Body.Close() }()
	return answer.StatusCode, nil
}

// newShopSite is a site with a backend, whose webhooks and mails are sent now.
func newShopSite(t *testing.T) (s *site, secret string, mails func() int) {
	t.Helper()
	sent := &sentMails{}
	s = newSite(t, modelstest.MigratedSQLite(t), byRealTime, func(a *services.Config, w *web.Config) {
		a.PostWebhook, a.Mail, a.Render = reallyPosts, sent, web.MailRenderer(w.BaseURL)
	})
	c, err := s.auth.Clients.Add(t.Context(), client.Registration{Name: "Shop", ID: "shop", Confidential: true, Scopes: []string{client.UsersRead, client.UsersWrite, client.DevicesWrite}})
	if err != nil {
		t.Fatal(err)
	}
	return s, c.Secret, func() int {
		for n := 1; n > 0; {
			if n, err = s.auth.Notify.SendMails(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		return len(sent.to)
	}
}

type sentMails struct{ to []string }

func (s *sentMails) Send(_ context.Context, m mail.Message) error {
	s.to = append(s.to, m.To)
	return nil
}

// What /docs shows is what runs here.
func TestTheDocumentedBackendInGoWorksAsItStands(t *testing.T) {
	source, err := os.ReadFile("docs_backend_test.go")
	if err != nil || !strings.Contains(string(source), views.BackendGo+"\n") {
		t.Errorf("/docs shows other code than this file has (%v)", err)
	}
	s, secret, mails := newShopSite(t)
	ends := make(chan string, 10)
	var check *standardwebhooks.Webhook
	system := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		heard(check, func(user, device string) { ends <- user + " " + device })(w, r)
	}))
	defer system.Close()
	hook, err := s.auth.Webhooks.Add(t.Context(), system.URL, []string{"device.revoked"})
	if err != nil {
		t.Fatal(err)
	}
	if check, err = standardwebhooks.NewWebhook(hook.Secret); err != nil {
		t.Fatal(err)
	}
	api := newAPI(s.URL, "shop", secret)
	id, err := invite(api, s.URL, "grace@example.com", "4711")
	if again, err := invite(api, s.URL, "grace@example.com", "4711"); err != nil || again != id {
		t.Errorf("%q, then %q: %v", id, again, err)
	}
	if err != nil || mails() != 1 {
		t.Errorf("%v, %d mails", err, mails())
	}
	if _, err := invite(api, s.URL, "grace@example.com", "4712"); err == nil || !strings.Contains(err.Error(), "email_taken") {
		t.Errorf("a taken address: %v", err)
	}
	phone := s.login("phone")
	ada, err := s.auth.Operator.FindUser(t.Context(), adaEmail)
	if err != nil {
		t.Fatal(err)
	}
	s.signedIn().post("/devices/"+phone.id+"/revoke", url.Values{})
	if err := s.auth.Webhooks.Send(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-ends:
		if got != ada.ID.String()+" "+phone.id {
			t.Errorf("heard %s", got)
		}
	default:
		t.Error("nothing was heard")
	}
	tablet := s.login("tablet")
	if err := signOutEverywhere(api, s.URL, ada.ID.String()); err != nil {
		t.Error(err)
	}
	if r := s.request(http.MethodGet, "/api/devices", "", bearer(tablet.access)...); r.status != http.StatusUnauthorized {
		t.Errorf("after it was signed out: %d", r.status)
	}
}

func TestTheDocumentedBackendInNodeWorksAsItStands(t *testing.T) {
	node := needNode(t)
	s, secret, mails := newShopSite(t)
	system := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer system.Close()
	hook, err := s.auth.Webhooks.Add(t.Context(), system.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	kept := make(chan webhook.Request, 1)
	change := s.config
	change.PostWebhook = func(_ context.Context, r webhook.Request) (int, error) { kept <- r; return http.StatusOK, nil }
	keeping, err := services.New(s.store, change)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keeping.Webhooks.Test(t.Context(), hook.ID); err != nil {
		t.Fatal(err)
	}
	message := <-kept
	headers, _ := json.Marshal(map[string]string{"webhook-id": message.ID, "webhook-timestamp": message.Timestamp, "webhook-signature": message.Signature})
	phone := s.login("phone")
	ada, err := s.auth.Operator.FindUser(t.Context(), adaEmail)
	if err != nil {
		t.Fatal(err)
	}
	s.runs(node, s.shownWith(`import { createHmac, timingSafeEqual }`), `
const [secret, hook, headers, body, ada] = process.argv.slice(2);
process.env.CLIENT_SECRET = secret;
process.env.WEBHOOK_SECRET = hook;
const one = await invite("grace@example.com", "4711"), two = await invite("grace@example.com", "4711");
assert.equal(one.id, two.id);
await assert.rejects(invite("grace@example.com", "4712"), /email_taken/);
assert.equal(heard(JSON.parse(headers), body).type, "webhook.test");
assert.throws(() => heard(JSON.parse(headers), body + " "), /not signed/);
assert.throws(() => heard({ ...JSON.parse(headers), "webhook-timestamp": "1" }, body), /not signed/);
assert.throws(() => heard({}, body), /not signed/);
assert.deepEqual(await signOutEverywhere(ada), { revoked: 1 });
`, secret, hook.Secret, string(headers), string(message.Body), ada.ID.String())
	if mails() != 1 {
		t.Errorf("%d mails", mails())
	}
	s.clock.Advance(time.Second)
	if r := s.request(http.MethodGet, "/api/devices", "", bearer(phone.access)...); r.status != http.StatusUnauthorized {
		t.Errorf("after it was signed out: %d", r.status)
	}
}
