// Package keyring manages the keys that sign access tokens. It generates them, seals them for storage, decides which one signs and
// which are published, and encodes the JSON Web Key Set (RFC 7517).
//
// It is a package of its own because it uses no clock and no database: time is a parameter, and rows come and go as [Sealed]. So
// tests run a year of rotations in seconds.
//
// # The life of a key
//
// A key is generated long before its turn: usually when its predecessor begins to sign, and at least [Schedule].Lead before. By its
// first token, verifiers that cache the key set know it. It signs from SignsFrom until its successor does. It stays published for
// [Schedule].Keep longer, so that its last tokens stay valid. Then it is retired, and its row can be deleted.
//
// Replicas share only the rows. Two replicas that find the same key due give it the same algorithm and sequence number. A unique
// index over both lets one of them win, and the other reads the rows again.
package keyring
