package statuslist

import "github.com/golang-jwt/jwt/v5"

const (
	// Type is the typ header of a list's JWT (§5.1).
	Type = "statuslist+jwt"
	// MediaType is what a list is asked for by, and served as (§8.1, §8.2).
	MediaType = "application/statuslist+jwt"
)

// Reference says where the bit of a token stands (§6.2).
type Reference struct {
	Index int    `json:"idx"`
	URI   string `json:"uri"`
}

// Status is the status claim of an access token (§6.1).
type Status struct {
	StatusList Reference `json:"status_list"`
}

// Claims are what the JWT of a list says (§5.1): sub is the URI that tokens name it by, iat the moment whose revocations
// it knows, exp when it must not be believed any more.
type Claims struct {
	jwt.RegisteredClaims
	TTL        int64 `json:"ttl,omitempty"` // seconds after which a copy should be fetched again
	StatusList List  `json:"status_list"`
}

// List is the encoded list within its claims (§4.2).
type List struct {
	Bits int    `json:"bits"` // for each token; 1 here
	List string `json:"lst"`  // see Encode
}
