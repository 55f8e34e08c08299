package account

import (
	"context"

	"latchkey/auth/browser"
)

// SetLanguage keeps the language in which a person reads pages and gets mails. The caller has checked that the tag is one of those that
// the server offers.
func (s *Service) SetLanguage(ctx context.Context, by *browser.Session, tag string) error {
	return s.store.SetLanguage(ctx, by.User.ID, tag)
}
