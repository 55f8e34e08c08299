package factor

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/models"
)

// EndTrusted makes one trusted browser, or all of them with an empty id, take the second step again. One that is gone already is no
// error.
func (s *Service) EndTrusted(ctx context.Context, by *browser.Session, id string, from auth.Caller) error {
	var one *uuid.UUID
	if id != "" {
		parsed, ok := auth.ParseID(id)
		if !ok {
			return nil
		}
		one = &parsed
	}
	err := s.store.EndTrustedBrowsers(ctx, by.User.ID, one, auth.NewEvent(models.EventBrowserUntrusted, by.User.ID, from, s.clock.Now()))
	if errors.Is(err, models.ErrNotFound) {
		return nil
	}
	return err
}
