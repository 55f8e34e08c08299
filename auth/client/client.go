package client

import (
	"context"
	"crypto/rand"
	"strings"

	"latchkey/auth"
	"latchkey/models"
)

// Add registers a public client under a new random client_id. It returns KindInvalidRequest for an unusable name.
func (s *Service) Add(ctx context.Context, name string) (models.Client, error) {
	name, problem := auth.ProperName(name, "An app needs a name.")
	if problem != "" {
		return models.Client{}, auth.InvalidField("name", problem)
	}
	c := models.Client{ID: strings.ToLower(rand.Text()), Name: name, CreatedAt: s.clock.Now()}
	return c, s.store.AddClient(ctx, c)
}

// List returns the registered apps.
func (s *Service) List(ctx context.Context) ([]models.Client, error) { return s.store.Clients(ctx) }

// Remove removes an app. It can no longer sign people in; devices that it signed in stay signed in.
func (s *Service) Remove(ctx context.Context, id string) error {
	return s.store.RemoveClient(ctx, id)
}
