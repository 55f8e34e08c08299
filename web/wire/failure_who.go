package wire

import (
	"errors"
	"net/http"
	"slices"

	"latchkey/auth"
)

// ofCredentials are the kinds of refusal that a person who guesses or has stolen a credential meets. Their lines in the log say where
// they came from, and about which account they are, so that an attack can be traced (OWASP ASVS 5.0, 16.2.1 and 16.3.1).
var ofCredentials = []auth.Kind{
	auth.KindInvalidCredential, auth.KindWrongPassword, auth.KindInvalidCode, auth.KindInvalidChallenge, auth.KindInvalidConfirmation, auth.KindYoungFactor,
	auth.KindAccountDisabled, auth.KindInvalidGrant, auth.KindInvalidClient, auth.KindInvalidProof, auth.KindDeadLink, auth.KindRateLimited,
}

// who returns the fields "ip" and "user" of a refusal of credentials, each if it is known.
func (j Judge) who(r *http.Request, err error) (fields []any) {
	if !slices.Contains(ofCredentials, auth.AsError(err).Kind) {
		return nil
	}
	if j.Origin != nil {
		if origin := j.Origin(r); origin != "" {
			fields = append(fields, "ip", origin)
		}
	}
	if about := (*auth.AccountError)(nil); errors.As(err, &about) {
		fields = append(fields, "user", about.Account.String())
	}
	return fields
}
