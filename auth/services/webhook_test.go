package services_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"latchkey/auth/services"
	"latchkey/auth/webhook"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// receiver is a system of the operator's.
type receiver struct {
	mu     sync.Mutex
	secret string
	status func(m heardMessage) int // nil: 200
	heard  []heardMessage
	bad    []error
}

// heardMessage is a message that a receiver took.
type heardMessage struct {
	ID   string
	Type string `json:"type"`
	Data webhook.Event
}

// post takes a request as the specification's own library does.
func (r *receiver) post(_ context.Context, q webhook.Request) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := heardMessage{ID: q.ID}
	err := r.verify(r.secret, q)
	if err == nil {
		err = json.Unmarshal(q.Body, &m)
	}
	if err != nil {
		r.bad = append(r.bad, err)
		return http.StatusBadRequest, nil
	}
	if r.status != nil {
		if status := r.status(m); status != http.StatusOK {
			return status, nil
		}
	}
	r.heard = append(r.heard, m)
	return http.StatusOK, nil
}

func (r *receiver) verify(secret string, q webhook.Request) error {
	v, err := standard.NewWebhook(secret)
	if err != nil {
		return err
	}
	return v.VerifyIgnoringTimestamp(q.Body, http.Header{"Webhook-Id": {q.ID}, "Webhook-Timestamp": {q.Timestamp}, "Webhook-Signature": {q.Signature}}) // the clock is a test's
}

// took returns what came since the last call: each message as its type and its user's e-mail address.
func (r *receiver) took(t *testing.T, names map[string]string) (list []string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.heard {
		list = append(list, m.Type+" "+names[m.Data.UserID.String()])
	}
	if len(r.bad) > 0 {
		t.Errorf("bad messages: %v", r.bad)
	}
	r.heard, r.bad = nil, nil
	return list
}

// hooked is a service with a webhook.
type hooked struct {
	*desk
	*receiver
	id    string
	eve   models.User
	names map[string]string
}

func newHooked(t *testing.T, store *models.Store, types ...string) *hooked {
	t.Helper()
	h := &hooked{desk: newDesk(t, store), receiver: &receiver{}}
	h.change(t, func(c *services.Config) { c.PostWebhook = h.receiver.post })
	var err error
	if h.eve, err = h.Operator.AddUser(t.Context(), "eve@example.com", "another fine evening", models.RoleUser); err != nil {
		t.Fatal(err)
	}
	h.names = map[string]string{h.ada.ID.String(): "ada", h.eve.ID.String(): "eve"}
	h.advance(time.Second)
	added, err := h.Webhooks.Add(t.Context(), "https://shop.example.com/hook", types)
	if err != nil {
		t.Fatal(err)
	}
	h.id, h.secret = added.ID, added.Secret
	h.advance(time.Second)
	return h
}

// happens writes an event of a user, so long ago.
func (h *hooked) happens(t *testing.T, u models.User, kind models.EventKind, ago time.Duration) {
	t.Helper()
	if err := h.store.AddEvent(t.Context(), models.Event{UserID: u.ID, At: h.now().Add(-ago), Kind: kind, Actor: models.ActorOwner}); err != nil {
		t.Fatal(err)
	}
}

// told sends what is due, and compares.
func (h *hooked) told(t *testing.T, want ...string) {
	t.Helper()
	if err := h.Webhooks.Send(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := h.took(t, h.names); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

func eachHooked(t *testing.T, fn func(t *testing.T, h *hooked), types ...string) {
	t.Helper()
	modelstest.Each(t, func(t *testing.T, s *models.Store) { fn(t, newHooked(t, s, types...)) })
}

func TestAWebhookHearsWhatItAskedForOnce(t *testing.T) {
	eachHooked(t, func(t *testing.T, h *hooked) {
		h.told(t) // nothing from before it was added
		h.happens(t, h.ada, models.EventDeviceRevoked, 0)
		h.happens(t, h.ada, models.EventSignIn, 0)
		h.told(t, "device.revoked ada")
		h.advance(2 * time.Second)
		h.happens(t, h.eve, models.EventDeviceRevoked, time.Second) // committed a moment after its time
		h.told(t, "device.revoked eve")
		h.advance(5 * time.Second)
		h.happens(t, h.ada, models.EventDeviceRevoked, 6500*time.Millisecond) // it is older than what was read, and no one was told
		h.told(t, "device.revoked ada")
		for range 20 {
			h.advance(time.Second)
			h.told(t)
		}
		if _, err := h.Operator.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.told(t)
	}, "device.revoked", "user.deleted")
}

func TestAWebhookHearsOfEachPersonInOrder(t *testing.T) {
	eachHooked(t, func(t *testing.T, h *hooked) {
		var down bool
		h.status = func(m heardMessage) int {
			if down && m.Data.UserID == h.ada.ID {
				return http.StatusServiceUnavailable
			}
			return http.StatusOK
		}
		down = true
		h.happens(t, h.ada, models.EventSignIn, 300*time.Millisecond)
		h.happens(t, h.ada, models.EventDeviceRenamed, 200*time.Millisecond)
		h.happens(t, h.ada, models.EventSignOut, 100*time.Millisecond)
		h.happens(t, h.eve, models.EventSignIn, 50*time.Millisecond)
		if err := h.Webhooks.Send(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.advance(time.Minute)
		if err := h.Webhooks.Send(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := h.took(t, h.names); !slices.Equal(got, []string{"device.signed_in eve"}) {
			t.Errorf("while one person's message fails: %q", got)
		}
		down = false
		h.advance(2 * time.Hour)
		h.told(t, "device.signed_in ada", "device.renamed ada", "device.signed_out ada")
		if c := h.Webhooks.Counts(); c.Delivered != 4 || c.Failed != 2 || c.GivenUp != 0 {
			t.Errorf("%+v", c)
		}
	})
}

func TestTwoReplicasTellAWebhookOnce(t *testing.T) {
	eachHooked(t, func(t *testing.T, h *hooked) {
		for i := range 30 {
			h.happens(t, []models.User{h.ada, h.eve}[i%2], models.EventSignIn, time.Duration(30-i)*time.Millisecond)
		}
		other, err := services.New(h.store, h.config)
		if err != nil {
			t.Fatal(err)
		}
		var both sync.WaitGroup
		for _, s := range []*services.Services{h.Services, other} {
			both.Go(func() {
				for range 3 {
					if err := s.Webhooks.Send(t.Context()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		both.Wait()
		if got := h.took(t, h.names); len(got) != 30 {
			t.Errorf("%d messages: %q", len(got), got)
		}
	})
}

// The messages of a deleted account go with its events; that it was deleted is told.
func TestAWebhookHearsOfADeletion(t *testing.T) {
	eachHooked(t, func(t *testing.T, h *hooked) {
		h.status = func(heardMessage) int { return http.StatusBadGateway }
		h.happens(t, h.ada, models.EventSignIn, 0)
		if err := h.Webhooks.Send(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.status = nil
		if err := h.Operator.Delete(t.Context(), adaEmail); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Operator.Sweep(t.Context()); err != nil { // finishes the deletion
			t.Fatal(err)
		}
		h.advance(2 * time.Hour)
		h.told(t, "user.deleted ada")
	})
}

func TestAWebhookThatIsGoneIsTurnedOff(t *testing.T) {
	eachHooked(t, func(t *testing.T, h *hooked) {
		h.status = func(heardMessage) int { return http.StatusGone }
		h.happens(t, h.ada, models.EventSignIn, 0)
		h.told(t)
		h.status = nil
		h.advance(2 * time.Hour)
		h.happens(t, h.ada, models.EventSignIn, 0)
		h.told(t)
		if n, _, err := h.Webhooks.Waiting(t.Context()); n != 0 || err != nil {
			t.Errorf("%d wait, %v", n, err)
		}
		h.advance(time.Second)
		rotated, err := h.Webhooks.Rotate(t.Context(), h.id)
		if err != nil {
			t.Fatal(err)
		}
		h.secret = rotated.Secret
		h.advance(20 * time.Second)
		h.happens(t, h.eve, models.EventSignIn, 0)
		h.told(t, "device.signed_in eve") // nothing of the time when it was off
	})
}

func TestAFormerSecretSignsForADay(t *testing.T) {
	eachHooked(t, func(t *testing.T, h *hooked) {
		former := h.secret
		rotated, err := h.Webhooks.Rotate(t.Context(), h.id)
		if err != nil || rotated.Secret == former || !strings.HasPrefix(rotated.Secret, "whsec_") {
			t.Fatalf("%v %q", err, rotated.Secret)
		}
		for _, secret := range []string{former, rotated.Secret} {
			h.secret = secret
			h.happens(t, h.ada, models.EventSignIn, 0)
			h.told(t, "device.signed_in ada")
			h.advance(time.Second)
		}
		// The server secret changes, too, and the old one goes.
		h.change(t, func(c *services.Config) {
			c.Previous, c.Secret = [][]byte{c.Secret}, []byte("another secret of 32 bytes, or more")
		})
		if n, err := h.Webhooks.Reseal(t.Context()); n != 1 || err != nil {
			t.Fatalf("%d sealed, %v", n, err)
		}
		h.change(t, func(c *services.Config) { c.Previous = nil })
		for _, secret := range []string{former, rotated.Secret} {
			h.secret = secret
			h.happens(t, h.ada, models.EventSignIn, 0)
			h.told(t, "device.signed_in ada")
			h.advance(time.Second)
		}
		h.advance(webhook.FormerLife)
		h.secret = former
		h.happens(t, h.ada, models.EventSignIn, 0)
		if err := h.Webhooks.Send(t.Context()); err != nil || len(h.bad) != 1 {
			t.Errorf("the former secret after a day: %v, %v", err, h.bad)
		}
	})
}

func TestAMessageIsGivenUpAfterADay(t *testing.T) {
	eachHooked(t, func(t *testing.T, h *hooked) {
		tries := 0
		h.status = func(heardMessage) int { tries++; return http.StatusInternalServerError }
		h.happens(t, h.ada, models.EventSignIn, 0)
		for range 60 {
			if err := h.Webhooks.Send(t.Context()); err != nil {
				t.Fatal(err)
			}
			h.advance(time.Hour)
		}
		if c := h.Webhooks.Counts(); tries < 20 || tries > 40 || c.GivenUp != 1 || c.Delivered != 0 {
			t.Errorf("%d tries, %+v", tries, c)
		}
	})
}

// Past models.MaxWaiting the oldest go, and are counted.
func TestTheOldestMessagesGo(t *testing.T) {
	eachHooked(t, func(t *testing.T, h *hooked) {
		h.status = func(heardMessage) int { return http.StatusBadGateway }
		for i := 0; i < models.MaxWaiting+100; i += 100 {
			var list []models.Event
			for j := range 100 {
				list = append(list, models.Event{UserID: h.ada.ID, At: h.now().Add(time.Duration(i+j) * time.Microsecond), Kind: models.EventDeviceRenamed, Actor: models.ActorOwner})
			}
			if err := h.store.AddEvents(t.Context(), list...); err != nil {
				t.Fatal(err)
			}
		}
		h.advance(time.Second)
		for range 3 { // each takes some thousands
			if err := h.Webhooks.Send(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		n, _, err := h.Webhooks.Waiting(t.Context())
		if c := h.Webhooks.Counts(); n != models.MaxWaiting || c.Dropped != 100 || err != nil {
			t.Errorf("%d wait, %+v, %v", n, c, err)
		}
	})
}

// What support searched for is mostly an e-mail address, and is not told.
func TestNoWebhookHearsWhatSupportSearchedFor(t *testing.T) {
	e := models.Event{Kind: models.EventSupportSearched, Detail: "ada@example.com"}
	if told := webhook.NewEvent(e); told.Detail != "" {
		t.Errorf("told %q", told.Detail)
	}
}

func TestEveryKindOfEventHasATypeOfItsOwn(t *testing.T) {
	seen := map[string]bool{}
	for i, name := range webhook.Types() {
		if name == "" || seen[name] || strings.Count(name, ".") != 1 {
			t.Errorf("%s: %q", models.EventKinds[i], name)
		}
		seen[name] = true
	}
}

func TestWhatNoWebhookCanBe(t *testing.T) {
	modelstest.InTurn(t, func(t *testing.T, s *models.Store) { refusedWebhooks(t, newDesk(t, s)) })
}

func refusedWebhooks(t *testing.T, d *desk) {
	t.Helper()
	for url, event := range map[string]string{"http://shop.example.com/": "", "ftp://shop.example.com": "", "": "", "https://shop.example.com/#x": "", "https://u:p@shop.example.com/": "", "https://shop.example.com/": "device_revoked"} {
		var types []string
		if event != "" {
			types = []string{event}
		}
		if _, err := d.Webhooks.Add(t.Context(), url, types); err == nil {
			t.Errorf("%q %q was added", url, event)
		}
	}
	if err := d.Webhooks.Remove(t.Context(), "wh_x"); err == nil || errors.Is(err, models.ErrUnavailable) {
		t.Errorf("an unknown one: %v", err)
	}
}
