package ratelimit

import (
	"context"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/models"
)

// Limits on the codes of authenticator apps.
const (
	MaxWrongCodes = 10        // of one account in CodeWindow, for origins that it knows and for others each
	CodeWindow    = time.Hour // begins with the first wrong code
)

// ReserveCode counts a wrong code before it is checked, so that parallel guesses gain nothing. The caller passes the result to
// GiveBack if the code was right. ReserveCode returns KindRateLimited past the limit.
func (s *Service) ReserveCode(ctx context.Context, user uuid.UUID, known bool) ([]models.Counter, error) {
	now := s.clock.Now()
	counted, err := s.store.IncrementCounters(ctx, [][]byte{s.codesKey(user, known)}, now, now.Add(-CodeWindow))
	if err != nil {
		return nil, err
	}
	for _, c := range counted {
		if c.Count > MaxWrongCodes {
			s.GiveBack(ctx, counted)
			return nil, auth.RateLimited("codes", min(c.EndsAt.Sub(now), CodeWindow))
		}
	}
	return counted, nil
}

// PasskeyBudget returns the budget of an account's sign-ins with a passkey alone, of the same size as that of passwords. It is a budget of
// its own: otherwise a thief with the password could use it up, and keep the owner's passkey out.
func (s *Service) PasskeyBudget(user uuid.UUID) []models.Budget {
	return []models.Budget{
		{Key: s.KeyedHash("passkey sign-ins", user.String()), Most: s.budgets.Window, Window: AttemptWindow},
		{Key: s.KeyedHash("passkey sign-ins day", user.String()), Most: s.budgets.Day, Window: BudgetDay},
	}
}

// RoomBudget returns the budget of the sign-ins of one client that sign out an older device of the account to make room: most in a day.
// Otherwise an app that signs in at each start would sign out every other device again and again.
func (s *Service) RoomBudget(user uuid.UUID, clientID string, most int) *models.Budget {
	return &models.Budget{Key: s.KeyedHash("room", user.String(), clientID), Most: int64(most), Window: BudgetDay}
}

// GrantBudget returns the budget of an account's sign-ins on apps through a browser, of the same size as that of passwords.
func (s *Service) GrantBudget(user uuid.UUID) []models.Budget {
	return []models.Budget{
		{Key: s.KeyedHash("grants", user.String()), Most: s.budgets.Window, Window: AttemptWindow},
		{Key: s.KeyedHash("grants day", user.String()), Most: s.budgets.Day, Window: BudgetDay},
	}
}

func (s *Service) codesKey(user uuid.UUID, known bool) []byte {
	if known {
		return s.KeyedHash("codes known", user.String())
	}
	return s.KeyedHash("codes", user.String())
}
