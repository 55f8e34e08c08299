package challenge

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"latchkey/auth/passkey"
	"latchkey/models"
)

// Method is a way to take the second step. The words are part of the API.
type Method string

// The methods, in the order in which they are offered.
const (
	MethodPasskey      Method = "passkey"
	MethodTOTP         Method = "totp"
	MethodRecoveryCode Method = "recovery_code"
)

// Factors reads what an account signs in with beside its password.
func (s *Service) Factors(ctx context.Context, user uuid.UUID) (list []models.Factor, err error) {
	err = s.gate.Query(ctx, func() error {
		list, err = s.store.Factors(ctx, user)
		return err
	})
	return list, err
}

// Methods returns the ways in which an account can take the second step.
func (s *Service) Methods(factors []models.Factor) []Method {
	methods := []Method{}
	has := func(kind models.FactorKind) bool {
		return slices.ContainsFunc(factors, func(f models.Factor) bool {
			return f.Kind == kind && (kind != models.FactorRecoveryCode || f.UsedAt == nil)
		})
	}
	if s.HasPasskeys() && has(models.FactorPasskey) {
		methods = append(methods, MethodPasskey)
	}
	if has(models.FactorTOTP) {
		methods = append(methods, MethodTOTP)
	}
	if has(models.FactorRecoveryCode) {
		methods = append(methods, MethodRecoveryCode)
	}
	return methods
}

// Passkeys returns the account's passkeys in the form that ceremonies take.
func Passkeys(factors []models.Factor) (list []passkey.Credential) {
	for _, f := range factors {
		if f.Kind != models.FactorPasskey {
			continue
		}
		c, err := passkey.FromRecord(f.Credential, f.Data, f.SignCount, f.BackedUp)
		if err == nil {
			list = append(list, c)
		}
	}
	return list
}

func isClosed(factors []models.Factor) bool {
	return slices.ContainsFunc(factors, func(f models.Factor) bool { return f.Kind == models.FactorTOTP && f.Wrong >= MaxWrongInRow })
}
