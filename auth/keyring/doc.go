// Package keyring holds the keys that sign access tokens: it makes them, seals
// them for storage, decides which one signs and which are published, and writes
// the JSON Web Key Set (RFC 7517).
//
// It is a package of its own because it is pure protocol: it reads no clock and
// no database. Time is a parameter, rows come and go as [Sealed], and so a year
// of rotations is tested in seconds.
//
// # The life of a key
//
// A key is generated long before its turn, usually as soon as its predecessor
// begins to sign, and never less than [Schedule].Lead before: verifiers that cache
// the key set have met it when its first token arrives. It signs from SignsFrom
// until its successor does. It stays published for [Schedule].Keep longer, and
// with it the tokens that it signed last stay good. Then it is retired, and its
// row can be deleted.
//
// Replicas share the rows and nothing else. Two that find the same key due name
// it by the same algorithm and sequence number; a unique index over both lets one
// of them win, and the loser reads again.
package keyring
