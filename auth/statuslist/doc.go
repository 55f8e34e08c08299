// Package statuslist packs the revocation of many tokens into one small signed document (Token Status List,
// draft-ietf-oauth-status-list): one bit for each, so that a resource server learns of a revocation without a query for
// every request. A token names its bit in its status claim; the issuer publishes the list as a JWT. The package is pure
// protocol: bits, their encoding and the claims; it knows no database, no clock and no HTTP.
package statuslist
