// Package passkey holds the ceremonies of passkeys (W3C Web Authentication, Level 3): adding one, and signing in or confirming with one.
// The cryptography and the order of the checks are those of go-webauthn. This package knows neither a store nor HTTP.
//
// A ceremony has two steps. The first returns options for the browser or the app, and a session that the caller seals and keeps until
// the second step; the session is no secret, but it must not be altered, and the caller must see to it that it is used once. The second
// step gets what the authenticator made, a PublicKeyCredential as its toJSON() writes it.
//
// All passkeys are discoverable and verify the person (PIN, fingerprint, face), so that they can stand for two factors. No attestation is
// asked for: the make of an authenticator decides nothing here.
//
// Errors say which check failed. They never quote what came from outside, so they can be logged.
package passkey
