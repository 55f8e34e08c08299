package client

import (
	"context"
	"crypto/rand"
	"strings"

	"latchkey/auth"
	"latchkey/models"
)

// Add registers a public app under a new client_id.
func (s *Service) Add(ctx context.Context, name string) (models.Client, error) {
	name, problem := auth.ProperName(name, "An app needs a name.")
	if problem != "" {
		return models.Client{}, auth.InvalidField("name", problem)
	}
	c := models.Client{ID: strings.ToLower(rand.Text()), Name: name, CreatedAt: s.clock.Now()}
	return c, s.store.AddClient(ctx, c)
}

// List lists the registered apps.
func (s *Service) List(ctx context.Context) ([]models.Client, error) { return s.store.Clients(ctx) }

// Remove forgets an app: it cannot sign in any more, devices signed in with it stay.
func (s *Service) Remove(ctx context.Context, id string) error {
	return s.store.RemoveClient(ctx, id)
}
