package passkey

import (
	"errors"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
)

var errTooLong = errors.New("reading a passkey: it is longer than any honest one")

// reasons translates the beginnings of the library's messages. The messages go on with what came from outside, so no log gets them.
var reasons = []struct{ begin, reason string }{
	{"Error validating ceremony type", "it was made for the other ceremony"},
	{"Error validating challenge", "it answers another challenge"},
	{"Error validating origin", "it comes from another origin"},
	{"Error validating cross origin", "it comes from a frame of another site"},
	{"Error validating topOrigin", "it comes from a frame of another site"},
	{"Error validating top origin", "it comes from a frame of another site"},
	{"RP Hash mismatch", "it is for another relying party ID"},
	{"User presence required", "the person was not present"},
	{"User verification required", "the person was not verified"},
	{"ID mismatch for User and Session", "the ceremony was begun for another account"},
	{"User handle and User ID do not match", "it belongs to another account"},
	{"Client-side Discoverable Assertion was attempted with a blank User Handle", "it names no account"},
	{"Unable to find the credential", "the account has no such passkey"},
	{"The credential ID provided is not", "it is not one of the passkeys that were asked for"},
	{"User does not own all credentials", "the account's passkeys have changed"},
	{"Error validating the assertion signature", "the signature is wrong"},
	{"Error parsing the assertion public key", "the stored public key is unusable"},
	{"Backup Eligible flag inconsistency", "its backup-eligible flag has changed"},
	{"Backup State Flag is true", "its backup flags contradict each other"},
	{"Credential public key algorithm not supported", "its algorithm was not asked for"},
	{"Error validating the attested credential id", "it has two different IDs"},
}

// failure says in our words why the library refused something. It does not wrap the library's error, which may quote the body.
func failure(doing string, err error) error {
	var refused *protocol.Error
	if !errors.As(err, &refused) {
		return errors.New(doing + ": it is malformed")
	}
	for _, r := range reasons {
		if strings.HasPrefix(refused.Details, r.begin) || strings.HasPrefix(refused.DevInfo, r.begin) {
			return errors.New(doing + ": " + r.reason)
		}
	}
	return errors.New(doing + ": " + refused.Type) // one of the library's constants, such as parse_error
}
