// Package dpop checks proofs of possession (RFC 9449): JWTs that a client signs for one request each, with a key that never leaves
// its device. A token that is bound to such a key is useless to a thief without the key. The package uses no database and no HTTP
// request. Nonces are derived from a key and the time, so that replicas need not share them.
package dpop
