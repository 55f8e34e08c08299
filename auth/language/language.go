// Package language keeps the languages that people choose for pages and mails.
package language

import (
	"context"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/notify"
	"latchkey/auth/ratelimit"
	"latchkey/models"
)

// Service keeps the languages of accounts. It is safe for concurrent use.
type Service struct {
	store  *models.Store
	clock  auth.Clock
	limits *ratelimit.Service
	gate   *ratelimit.Gate
}

// New returns the service.
func New(store *models.Store, clock auth.Clock, limits *ratelimit.Service, gate *ratelimit.Gate) *Service {
	return &Service{store: store, clock: clock, limits: limits, gate: gate}
}

// Count counts a choice of a language, of any caller. It returns KindRateLimited past the limit of the caller's network.
func (s *Service) Count(ctx context.Context, from auth.Caller) error {
	return s.gate.Query(ctx, func() error {
		return s.limits.CountRequest(ctx, s.limits.NetworkQuota(from, ratelimit.MaxLanguages, "language"))
	})
}

// Set keeps the language in which a person reads pages and gets mails. A copied cookie is enough to do it, so it leaves an
// event, is limited, and mails say what they are about in the former language too, for a while. The caller has checked that the tag is
// one of those that the server offers. Set returns KindRateLimited.
func (s *Service) Set(ctx context.Context, by *browser.Session, tag string, from auth.Caller) error {
	now := s.clock.Now()
	e := auth.NewEvent(models.EventLanguageChanged, by.User.ID, from, now)
	e.Detail = tag
	return s.store.SetLanguage(ctx, models.LanguageChange{
		UserID: by.User.ID, Tag: tag, Since: now.Add(-notify.FormerLanguageLife), Event: auth.Limited(e, ratelimit.LanguageLimit),
	})
}
