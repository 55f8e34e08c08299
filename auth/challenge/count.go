package challenge

import (
	"errors"

	"latchkey/auth"
	"latchkey/auth/tally"
	"latchkey/models"
)

// FactorCheck says which second factor was checked, at a sign-in or a confirmation, and how that ended.
type FactorCheck struct {
	Method Method
	Result string
}

// The results of checks.
const (
	FactorRight   = "right"
	FactorWrong   = "wrong"
	FactorEnded   = "ended" // the challenge took too long, was used or never existed, or the account has changed since
	FactorLimited = "limited"
	FactorRefused = "refused" // the account is disabled, or the key is not the one of the first request
	FactorFailed  = "failed"  // the server was busy or had an error
)

func newFactorTally() *tally.Tally[FactorCheck] {
	var keys []FactorCheck
	for _, method := range []Method{MethodPasskey, MethodTOTP, MethodRecoveryCode} {
		for _, result := range []string{FactorRight, FactorWrong, FactorEnded, FactorLimited, FactorRefused, FactorFailed} {
			keys = append(keys, FactorCheck{method, result})
		}
	}
	return tally.New(keys...)
}

// FactorChecks counts the checks of second factors, and of passkeys that are used alone.
func (s *Service) FactorChecks() *tally.Tally[FactorCheck] { return s.checks }

// SignInMethod returns how the answer would sign in, whether it is right or not.
func (a Answer) SignInMethod() models.SignInMethod {
	if _, sealed, err := hashOf(a.Challenge); err == nil && sealed {
		return models.ByPasskey
	}
	switch a.Method {
	case MethodTOTP:
		return models.ByPasswordTOTP
	case MethodRecoveryCode:
		return models.ByPasswordRecoveryCode
	default:
		return models.ByPasswordPasskey
	}
}

// count counts a check. A form that is not filled in counts as none.
func (s *Service) count(by models.SignInMethod, err error) {
	method := MethodPasskey
	switch by {
	case models.ByPasswordTOTP:
		method = MethodTOTP
	case models.ByPasswordRecoveryCode:
		method = MethodRecoveryCode
	default:
	}
	if result := factorResult(err); result != "" {
		s.checks.Add(FactorCheck{method, result}, 1)
	}
}

func factorResult(err error) string {
	if err == nil {
		return FactorRight
	}
	if errors.Is(err, models.ErrChanged) {
		return FactorEnded
	}
	switch auth.AsError(err).Kind {
	case auth.KindInvalidRequest:
		return ""
	case auth.KindInvalidCode:
		return FactorWrong
	case auth.KindInvalidChallenge:
		return FactorEnded
	case auth.KindRateLimited:
		return FactorLimited
	case auth.KindInternal, auth.KindUnavailable:
		return FactorFailed
	default:
		return FactorRefused
	}
}
