package passkey_test

import (
	"testing"

	"latchkey/auth/passkey"
)

// FuzzPasskeyBodies gives the same text to everything that reads what strangers send. Nothing but the honest answer may be accepted, and
// nothing may panic.
func FuzzPasskeyBodies(f *testing.F) {
	c := newSite(f)
	p := register(f, c, newPerson(f, ada))
	known := []passkey.Credential{p.stored}
	createOptions, createSession := beginCreation(f, c, bob)
	options, session := begin(f, c)
	made, answered := newPerson(f, bob).create(f, site, createOptions), p.answer(f, site, options)
	for _, seed := range [][]byte{
		made, answered, made[:len(made)/2], answered[:len(answered)/2], nil, []byte("null"), []byte("[]"), []byte(`{"id":"AA","rawId":"AA","type":"public-key"}`),
		edit(f, answered, func(_, r map[string]any) { r["userHandle"] = nil }),
		edit(f, answered, func(_, r map[string]any) { r["userHandle"] = "!" }),
		edit(f, answered, func(_, r map[string]any) { r["authenticatorData"] = "AAAA" }),
		edit(f, answered, func(_, r map[string]any) { r["clientDataJSON"] = "bnVsbA" }),
		edit(f, answered, func(c, _ map[string]any) { c["clientExtensionResults"] = []any{} }),
		edit(f, made, func(_, r map[string]any) { r["attestationObject"] = "oA" }),
		edit(f, made, func(_, r map[string]any) { r["attestationObject"] = "v2NmbXRkbm9uZf8" }),
		edit(f, made, func(_, r map[string]any) { r["transports"] = []any{1} }),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		handle, id, err := passkey.UserHandle(body)
		if (err == nil) != (len(id) > 0) || err != nil && handle != [16]byte{} {
			t.Errorf("UserHandle: %x, %x, %v", handle, id, err)
		}
		used, err := c.FinishRequest(ada, session, body, known, now)
		if err == nil && (handle != ada.ID || string(used.CredentialID) != string(p.key.ID)) {
			t.Errorf("FinishRequest: %+v", used)
		}
		if made, err := c.FinishCreation(bob, createSession, body, now); err == nil {
			reload(t, made)
		}
		if c, err := passkey.FromRecord([]byte("id"), body, 0, false); err == nil {
			reload(t, c)
		}
	})
}
