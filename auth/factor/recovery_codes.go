package factor

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/auth/confirm"
	"latchkey/auth/notify"
	"latchkey/auth/recovery"
	"latchkey/models"
)

// NewCodes makes ten recovery codes in place of the earlier ones. They are returned this once, and stored as hashes. They count as
// old as the factor that confirmed the act. It returns KindNotAllowed if the account has no other factor, and the errors of
// confirm.Service.Confirm.
func (s *Service) NewCodes(ctx context.Context, by *browser.Session, c confirm.Confirmation, from auth.Caller) (codes []string, err error) {
	o, err := s.Overview(ctx, by)
	if err != nil {
		return nil, err
	}
	if len(o.Passkeys) == 0 && o.App == nil {
		return nil, auth.Refuse(auth.KindNotAllowed, "Recovery codes are a backup for a passkey or an authenticator app. Add one of these first.")
	}
	how := confirmed{since: youngest(o), verified: ""}
	if s.CodesNeedConfirmation(by, o, c.Ticket) {
		done, err := s.confirm.Confirm(ctx, by, c)
		if err != nil {
			return nil, err
		}
		how.since = done.Factor.Since
	}
	now := s.clock.Now()
	var add []models.Factor
	for _, code := range recovery.New() {
		add = append(add, models.Factor{
			ID: uuid.New(), Kind: models.FactorRecoveryCode, Credential: recovery.Hash(mustNormalise(code)), CreatedAt: now, Since: how.since,
		})
		codes = append(codes, code)
	}
	e := auth.Limited(auth.NewEvent(models.EventRecoveryCodesMade, by.User.ID, from, now), AddLimit)
	_, err = s.store.AddFactors(ctx, models.FactorAddition{
		UserID: by.User.ID, Version: by.User.FactorsVersion, Add: add, Replace: models.FactorRecoveryCode, At: now, Event: e,
		Mail: s.notify.ComposeNotMe(by.User.ID, notify.NewNotification(notify.KindCodesMade, from, now), models.EveryDeviceAndCodes+rand.Text()),
	})
	if err != nil {
		return nil, changed(err)
	}
	s.notify.Wake()
	return codes, nil
}

// CodesNeedConfirmation reports whether new recovery codes must be confirmed. The first ones, right after the first factor, are confirmed
// by the ticket that it left.
func (s *Service) CodesNeedConfirmation(by *browser.Session, o Overview, ticket string) bool {
	return o.CodesLeft > 0 || !o.Last() || !s.goodTicket(codesTicketRow, by, ticket)
}

func youngest(o Overview) (at time.Time) {
	for _, f := range o.Passkeys {
		at = later(at, f.Since)
	}
	if o.App != nil {
		at = later(at, o.App.Since)
	}
	return at
}

func mustNormalise(code string) string {
	normal, _ := recovery.Normalise(code) // of our own making: always good
	return normal
}
