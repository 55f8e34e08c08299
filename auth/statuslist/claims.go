package statuslist

import "github.com/golang-jwt/jwt/v5"

const (
	// Type is the typ header of a list's JWT (§5.1).
	Type = "statuslist+jwt"
	// MediaType is the media type of a list in requests and responses (§8.1, §8.2).
	MediaType = "application/statuslist+jwt"
)

// Reference says where the bit of a token is (§6.2).
type Reference struct {
	Index int    `json:"idx"`
	URI   string `json:"uri"`
}

// Status is the status claim of an access token (§6.1).
type Status struct {
	StatusList Reference `json:"status_list"`
}

// Claims are the claims of a list's JWT (§5.1): sub is the URI under which tokens name the list, iat the time whose revocations it
// contains, exp when it must no longer be used.
type Claims struct {
	jwt.RegisteredClaims
	TTL        int64 `json:"ttl,omitempty"` // seconds after which a copy should be fetched again
	StatusList List  `json:"status_list"`
}

// List is the encoded list in the claims (§4.2).
type List struct {
	Bits int    `json:"bits"` // for each token; 1 here
	List string `json:"lst"`  // see Encode
}
