package token

import (
	"slices"

	"latchkey/auth"
	"latchkey/auth/tally"
	"latchkey/models"
)

// SignIn says what a sign-in was tried on, how, and how that ended.
type SignIn struct {
	Kind   string              // models.KindApp or models.KindBrowser
	Method models.SignInMethod // of a try that failed, the one that was tried
	Result string
}

// IsPassword reports whether the method is a password alone. A password step that does not finish the sign-in counts as this method too,
// whatever second step the account has.
func (s SignIn) IsPassword() bool { return s.Method == models.ByPassword }

// The results of sign-ins.
const (
	SignInSucceeded  = "succeeded"
	SignInSecondStep = "second_step" // the password was right, and the second step must follow
	SignInWrong      = "wrong"       // an unknown account, or a wrong password, code or passkey
	SignInEnded      = "ended"       // the second step took too long or was used before
	SignInRefused    = "refused"     // the password was right, but the account, the app or its key may not sign in
	SignInLimited    = "limited"
	SignInFailed     = "failed" // the server was busy or had an error
)

var signInResults = []string{SignInSucceeded, SignInSecondStep, SignInWrong, SignInEnded, SignInRefused, SignInLimited, SignInFailed}

func newSignInTally() *tally.Tally[SignIn] {
	var keys []SignIn
	for _, kind := range []string{models.KindApp, models.KindBrowser} {
		for _, method := range append([]models.SignInMethod{""}, models.SignInMethods...) {
			for _, result := range signInResults {
				keys = append(keys, SignIn{kind, method, result})
			}
		}
	}
	return tally.New(keys...)
}

// SignIns counts sign-ins. A sign-in with a second step counts twice, once for each step. The method is empty where an app signs in
// through a browser that an earlier or a later release signed in.
func (s *Service) SignIns() *tally.Tally[SignIn] { return s.signIns }

func (s *Service) countSignIn(d models.Device) {
	method := d.SignedInBy
	if !slices.Contains(models.SignInMethods, method) {
		method = ""
	}
	s.signIns.Add(SignIn{d.Kind, method, SignInSucceeded}, 1)
}

// CountFailedSignIn counts a sign-in that AddDevice did not finish. A form that is not filled in counts as none.
func (s *Service) CountFailedSignIn(kind string, method models.SignInMethod, err error) {
	if result := signInResult(err); result != "" {
		s.signIns.Add(SignIn{kind, method, result}, 1)
	}
}

func signInResult(err error) string {
	switch auth.AsError(err).Kind {
	case auth.KindInvalidRequest:
		return ""
	case auth.KindSecondFactor:
		return SignInSecondStep
	case auth.KindInvalidCredential, auth.KindWrongPassword, auth.KindInvalidCode:
		return SignInWrong
	case auth.KindInvalidChallenge:
		return SignInEnded
	case auth.KindRateLimited:
		return SignInLimited
	case auth.KindInternal, auth.KindUnavailable:
		return SignInFailed
	default:
		return SignInRefused
	}
}
