package webhook

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"latchkey/auth"
	"latchkey/auth/client"
	"latchkey/models"
)

const (
	secretPrefix = "whsec_" // as the specification has it
	secretSize   = 32       // bytes
	// FormerLife is how long the former secret signs as well after a rotation.
	FormerLife = 24 * time.Hour
)

// Added is a webhook with the secret that it got now, which is not shown again.
type Added struct {
	models.Webhook

	Secret string
}

// Add adds a webhook that is told of some types of message; none: of all. It returns KindInvalidRequest of url or event.
func (s *Service) Add(ctx context.Context, url string, wanted []string) (Added, error) {
	var bad auth.Fields
	if problem := client.ProblemWithCallback(url); problem != "" {
		bad.Refuse("url", fmt.Sprintf("%q %s.", url, problem))
	}
	kinds := []string{models.AllKinds}
	if len(wanted) > 0 {
		kinds = nil
	}
	for _, name := range wanted {
		kind, ok := kindOf(name)
		if !ok {
			bad.Refuse("event", fmt.Sprintf("%q is not a type of message. The types are: %s.", name, strings.Join(Types(), " ")))
			break
		}
		kinds = append(kinds, string(kind))
	}
	if err := bad.Err(); err != nil {
		return Added{}, err
	}
	slices.Sort(kinds)
	a := Added{Webhook: models.Webhook{ID: "wh_" + strings.ToLower(rand.Text()[:16]), URL: url, Kinds: strings.Join(slices.Compact(kinds), " "), CreatedAt: s.clock.Now()}, Secret: newSecret()}
	a.Webhook.Secret = s.sealSecret(a.ID, a.Secret)
	return a, s.store.AddWebhook(ctx, a.Webhook)
}

// List returns the webhooks, the oldest first.
func (s *Service) List(ctx context.Context) ([]models.Webhook, error) { return s.store.Webhooks(ctx) }

// TypesOf returns the types of message that a webhook is told of; none: all.
func TypesOf(w models.Webhook) (list []string) {
	for _, kind := range models.EventKinds {
		if w.Kinds != models.AllKinds && w.Wants(kind) {
			list = append(list, types[kind])
		}
	}
	return list
}

// Remove removes a webhook and what waits for it, or returns KindNotFound.
func (s *Service) Remove(ctx context.Context, id string) error {
	return orUnknown(s.store.RemoveWebhook(ctx, id))
}

// Rotate gives a webhook another secret, and turns it on if it was off. The former one signs as well for FormerLife. It returns KindNotFound.
func (s *Service) Rotate(ctx context.Context, id string) (Added, error) {
	w, err := s.store.Webhook(ctx, id)
	if err != nil {
		return Added{}, orUnknown(err)
	}
	read, until := w.Secret, s.clock.Now().Add(FormerLife)
	a := Added{Webhook: w, Secret: newSecret()}
	a.Webhook.Secret, a.FormerSecret, a.FormerUntil, a.DisabledAt = s.sealSecret(id, a.Secret), read, &until, nil
	return a, s.store.SetWebhookSecrets(ctx, a.Webhook, read, s.clock.Now())
}

func orUnknown(err error) error {
	if errors.Is(err, models.ErrNotFound) {
		return &auth.Error{Kind: auth.KindNotFound, Message: "there is no webhook with this id", Cause: err}
	}
	return err
}

func newSecret() string {
	b := make([]byte, secretSize)
	_, _ = rand.Read(b) // never fails
	return secretPrefix + base64.StdEncoding.EncodeToString(b)
}

// sealSecret seals a secret for the row of its webhook.
func (s *Service) sealSecret(id, secret string) []byte {
	return s.sealer.Seal([]byte(id), []byte(secret))
}

// Reseal seals the secrets under the present server secret that a previous one sealed, and returns how many.
func (s *Service) Reseal(ctx context.Context) (resealed int, err error) {
	if !s.sealer.Changing() {
		return 0, nil
	}
	hooks, err := s.store.Webhooks(ctx)
	if err != nil {
		return 0, err
	}
	for _, w := range hooks {
		read := w.Secret
		secret, stale, err := s.sealer.Open([]byte(w.ID), read)
		if err != nil {
			s.log.WarnContext(ctx, "no server secret opens the secret of a webhook", "webhook", w.ID)
			continue
		}
		former, formerStale := w.FormerSecret, false
		if len(former) > 0 {
			if text, old, err := s.sealer.Open([]byte(w.ID), former); err == nil && old {
				w.FormerSecret, formerStale = s.sealer.Seal([]byte(w.ID), text), true
			}
		}
		if !stale && !formerStale {
			continue
		}
		w.Secret = s.sealer.Seal([]byte(w.ID), secret)
		if err := s.store.SetWebhookSecrets(ctx, w, read, s.clock.Now()); err != nil && !errors.Is(err, models.ErrChanged) {
			return resealed, err
		}
		resealed++
	}
	return resealed, nil
}
