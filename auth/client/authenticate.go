package client

import (
	"context"

	"latchkey/auth"
	"latchkey/auth/ratelimit"
)

// Credentials are what a request says of its client (RFC 6749 §2.3.1).
type Credentials struct {
	ID     string // the client_id; "": the client did not say which it is
	Secret string // "": none came
	Basic  bool   // they came by HTTP Basic
}

// Identity is the client of a request. The zero Identity is one that did not say which it is.
type Identity struct {
	ID     string
	proven bool
}

// Proven returns the client's id if it authenticated, and "" otherwise.
func (i Identity) Proven() string {
	if i.proven {
		return i.ID
	}
	return ""
}

var (
	// ErrUnproven refuses a request for a confidential client, or with a token of one, that did not authenticate as that client.
	ErrUnproven = &auth.Error{Kind: auth.KindInvalidClient, Message: "This client must authenticate: send its secret by HTTP Basic, or as client_secret."}

	errWrongSecret = &auth.Error{Kind: auth.KindInvalidClient, Message: "The client secret is wrong."}
	errPublic      = &auth.Error{Kind: auth.KindInvalidClient, Message: "Clients are public: send client_id in the body, or as the user name of HTTP Basic with an empty password."}
)

// Authenticate says which client a request comes from. A confidential client must prove its secret; others may say any id, as the
// rules of each endpoint allow. It goes by the clients of at most ReadEvery ago, and a right secret costs no statement. It returns
// KindInvalidClient, and KindRateLimited for wrong secrets past the limits. A right secret always passes: 256 random bits
// cannot be guessed, and strangers must not be able to lock a client out.
func (s *Service) Authenticate(ctx context.Context, c Credentials, from auth.Caller) (Identity, error) {
	if c.ID == "" && !c.Basic {
		return Identity{}, nil // client_secret alone says nothing
	}
	r, err := s.registered(ctx)
	if err != nil {
		return Identity{}, err
	}
	known := r.clients[c.ID]
	switch {
	case !known.Confidential() && c.Basic && c.Secret != "":
		return Identity{}, errPublic
	case !known.Confidential():
		return Identity{ID: c.ID}, nil
	case c.Secret == "":
		return Identity{}, ErrUnproven
	case sameSecret(known.SecretHash, c.Secret):
		return Identity{c.ID, true}, nil
	}
	err = s.limits.CountRequest(ctx, s.limits.NetworkQuota(from, ratelimit.MaxNetSecrets, "client secrets"),
		s.limits.Quota(ratelimit.MaxClientSecrets, "client secrets of", c.ID))
	if err != nil {
		return Identity{}, err
	}
	return Identity{}, errWrongSecret
}

// Protected returns the clients whose devices a request of this client may not use. Each is confidential, and the request did
// not authenticate as it.
func (s *Service) Protected(ctx context.Context, who Identity) ([]string, error) {
	if who.proven {
		return nil, nil // the device must be its own
	}
	r, err := s.registered(ctx)
	if err != nil {
		return nil, err
	}
	return r.confidential, nil
}
