// Package statuslist encodes the revocation of many tokens in one small signed document (Token Status List,
// draft-ietf-oauth-status-list). Each token has one bit, so that a resource server learns of a revocation without a query for every
// request. A token names its bit in its status claim, and the issuer publishes the list as a JWT. The package implements bits,
// their encoding and the claims. It uses no database, clock or HTTP.
package statuslist
