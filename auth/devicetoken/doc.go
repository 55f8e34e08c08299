// Package devicetoken mints and parses device tokens without a database, so that garbage is refused before any query. A device
// token is the long-lived credential of an app device, OAuth's refresh_token (RFC 6749 §1.5). It has the form
//
//	lk1. base64url( key id 1 B ‖ user id 16 B ‖ device id 16 B ‖ generation 8 B ‖ device secret 16 B ‖ HMAC-SHA-256 32 B )
//
// The MAC proves that this server minted it. The device secret, whose SHA-256 is in the device's row, proves that it was minted for
// that sign-in. Neither the server's secret nor the database alone is enough to make one. The token of a generation is derived and
// not stored, so the server can repeat a response that was lost.
package devicetoken
