// Package devicetoken mints and parses device tokens, without a database: garbage is told apart from tokens before
// any query is made. A device token is the long-lived credential of an app device, OAuth's refresh_token (RFC 6749
// §1.5). On the wire it is
//
//	lk1. base64url( key id 1 B ‖ user id 16 B ‖ device id 16 B ‖ generation 8 B ‖ device secret 16 B ‖ HMAC-SHA-256 32 B )
//
// The MAC proves that this service minted it; the device secret, whose SHA-256 the device's row keeps, proves that
// it was minted for that sign-in. Neither the server's secret nor the database alone is enough to make one. The token
// of a generation is derived, never stored, so a lost answer can be given again.
package devicetoken
