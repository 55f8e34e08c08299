package web_test

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"latchkey/views/catalog"
)

// forAppsAlone are the packages and files of auth whose sentences no page shows: the API's, the operator's and the support staff's.
var forAppsAlone = regexp.MustCompile(`auth/(client|dpop|incident|revocation|jws|keyring|keys|operator|resource|seal|statuslist|support)/|auth/(backend_fields|incident_words)\.go$|auth/token/(access_token|client_token|installation|proof|refresh)\.go$|auth/grant/(client_credentials|code|consent|device_poll|device_request|pushed|redeem|request)\.go$`)

// saidToApps are single sentences of the API in the other files.
var saidToApps = []string{
	"This account has a second factor: confirm first, and send the confirmation.", "Signing out or renaming another device needs the password.",
	"The key must be the one that the first request proved.", "One of passkey, totp and recovery_code.", "At most %d bytes.",
	"This server wants every app to prove a key of its own (DPoP).", "This client_id is not registered here.", "This app is not registered here.",
	"This account has no passkey. Confirm with the password.", "This confirmation was used, is too old, or was given to another device. Confirm again.",
	"The password is right. Now take the second step.", "This needs a confirmation: confirm first, and send it.",
	"This is the device that asks. Name the device that you don’t recognise.",
	"This was confirmed with a passkey, an app or a code that was added since. Confirm with an older one.",
	"Only keep is known. Leave it out to remove the factors that were added since.",
	"This is not the id of a device.", "This account has no such device of this app.",
	"Support accounts can’t be deleted: remove the support role first.", "There is no such account.",
}

// The API's errors are English and stay so; a page says them in its reader's language, and finds them in the catalogue by the English.
// An error that is changed in auth and not in the catalogue, or the other way round, would be English on every page.
func TestEveryErrorOfAuthIsInTheCatalogue(t *testing.T) {
	whole := regexp.MustCompile(`^[A-Z“].* .*[.?!]$`)
	used := map[string]bool{}
	check := func(file string, all bool) {
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") || forAppsAlone.MatchString(filepath.ToSlash(file)) {
			return
		}
		for at, text := range sentences(t, file) {
			key := catalog.ErrorKey(strings.NewReplacer("%d", "7", "%s", "x", "%q", "x").Replace(text))
			if used[key] = true; key == "" && all && whole.MatchString(text) && !slices.Contains(saidToApps, text) {
				t.Errorf("%s: %q is not in en.json: add it under errors.", at, text)
			}
		}
	}
	for _, folder := range []string{"../auth", "."} { // web has errors of its own, and other texts
		if err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
			check(path, folder != ".")
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	list, err := catalog.Files()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		for _, key := range f.Keys() {
			if strings.HasPrefix(key, "errors.") && !used[key] {
				t.Errorf("%s.json: %s: no error says so in English: change or delete it", f.Language, key)
			}
		}
	}
	if len(used) < 70 {
		t.Errorf("only %d sentences were found", len(used))
	}
}
