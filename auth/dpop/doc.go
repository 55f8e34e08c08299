// Package dpop checks proofs of possession (RFC 9449): a JWT that a client signs for one request with a key that never
// leaves its device. A token that is bound to such a key is worthless to whoever copies it. The package knows no
// database and no HTTP request; nonces are derived from a key and the time, so that replicas need not share them.
package dpop
