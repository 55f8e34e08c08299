// Package jws parses JWS in compact serialization (RFC 7515) and the JSON in them, more strictly than encoding/json and in one
// pass. It does not check signatures: its callers do, in the server (auth/dpop) and in resource servers (auth/resource).
package jws
