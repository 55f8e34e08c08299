package foreign

import "strings"

// Mark begins a hash of this package where the hashes of accounts are stored. Our own begin with "$argon2id$", and are not verified in
// the same way: see ratelimit.Hasher. The word is stored.
const Mark = "imported:"

// Stored returns the text that is stored for an account.
func (h Hash) Stored() string { return Mark + h.text }

// Imported returns the hash as the other system wrote it, if stored is what Stored returned.
func Imported(stored string) (text string, ok bool) { return strings.CutPrefix(stored, Mark) }
