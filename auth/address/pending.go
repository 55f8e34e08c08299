package address

import (
	"context"
	"errors"
	"time"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/models"
)

// Pending is an address that waits for its confirmation.
type Pending struct {
	Email string
	Until time.Time // when its link expires
}

// Pending returns the address that the account gets once its owner uses the mailed link, or nil if no change waits. The answer is the same
// whether or not another account has the address, as in Ask.
func (s *Service) Pending(ctx context.Context, by *browser.Session) (*Pending, error) {
	link, err := s.store.LastEmailLink(ctx, by.User.ID, s.clock.Now())
	if errors.Is(err, models.ErrNotFound) {
		return nil, nil //nolint:nilnil // nothing waits, which is no error
	}
	if err != nil {
		return nil, err
	}
	p, err := s.open(link)
	if err != nil || !p.fits(by.User) {
		return nil, nil //nolint:nilerr,nilnil // the link is dead, so nothing waits
	}
	return &Pending{Email: p.Email, Until: link.ExpiresAt}, nil
}

// Cancel ends the links to new addresses and reports whether there were any. It asks for no confirmation: the account keeps what it has,
// so a thief with a signed-in browser gains nothing but a nuisance that the activity shows, while the owner can stop a thief's change
// at once, also one who has taken the second factor.
func (s *Service) Cancel(ctx context.Context, by *browser.Session, from auth.Caller) (cancelled bool, err error) {
	return s.store.CancelEmailChange(ctx, auth.NewEvent(models.EventEmailCancelled, by.User.ID, from, s.clock.Now()))
}
