package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"latchkey/models/modelstest"
)

// A system hears within seconds that a device was revoked, signed as the specification says.
func TestASystemHearsOfASignOut(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		heard := make(chan *http.Request, 10)
		bodies := make(chan []byte, 10)
		system := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			heard <- r
			bodies <- body
		}))
		defer system.Close()
		s := serve(t, url, nil)
		addUser(t, url, ada)
		printed := must(t, url, "", "webhook", "add", system.URL+"/hook?from=latchkey", "--event", "devices.revoked")
		_, rest, _ := strings.Cut(printed, "Secret: ")
		secret, _, _ := strings.Cut(rest, "\n")
		id := strings.Fields(printed)[1]
		check, err := standard.NewWebhook(secret)
		if err != nil {
			t.Fatalf("%v: %s", err, printed)
		}
		next := func() string {
			t.Helper()
			select {
			case r := <-heard:
				body := <-bodies
				if err := check.Verify(body, r.Header); err != nil || r.Method != http.MethodPost || r.URL.String() != "/hook?from=latchkey" || r.Header.Get("Content-Type") != "application/json" {
					t.Errorf("%v %s %s %v", err, r.Method, r.URL, r.Header)
				}
				return string(body)
			case <-time.After(time.Minute):
				t.Fatal("nothing was heard")
				return ""
			}
		}
		if must(t, url, "", "webhook", "test", id); !strings.Contains(next(), `"type":"webhook.test"`) {
			t.Error("no test message")
		}
		login(t, s.URL(), ada, password, "phone").want(t, 200)
		must(t, url, "", "user", "sign-out", ada)
		if body := next(); !strings.Contains(body, `"type":"devices.revoked"`) || !strings.Contains(body, `"actor":"operator"`) || strings.Contains(body, ada) {
			t.Errorf("%s", body)
		}
		if list := must(t, url, "", "webhook", "list"); !strings.Contains(list, id) || !strings.Contains(list, "devices.revoked") || strings.Contains(list, "whsec") {
			t.Errorf("list: %s", list)
		}
		if again := must(t, url, "", "webhook", "rotate", id); !strings.Contains(again, "whsec_") || strings.Contains(again, secret) {
			t.Errorf("rotate: %s", again)
		}
		must(t, url, "", "webhook", "remove", id)
		command(t, url, "", "webhook", "remove", id).refuses(t, 1, "no webhook")
		command(t, url, "", "webhook", "add", "http://shop.example.com/").refuses(t, 1, "https")
		command(t, url, "", "webhook", "add", "https://shop.example.com/", "--event", "x").refuses(t, 1, "device.revoked")
	})
}
