// Package jws takes signed texts apart (RFC 7515, compact form), and the JSON in them, more strictly than encoding/json and in one
// pass. It believes nothing: signatures are for its callers to check, which are on both sides of the fence, the server (auth/dpop)
// and resource servers (auth/resource).
package jws
