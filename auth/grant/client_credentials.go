package grant

import (
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/client"
	"latchkey/auth/dpop"
	"latchkey/auth/token"
	"latchkey/models"
)

// CredentialsRequest is a request of a backend for a token of its own (RFC 6749 §4.4.2).
type CredentialsRequest struct {
	Client client.Identity
	Scope  string      // with spaces between; empty: all scopes that a backend can have and that the client was registered with
	Proof  token.Proof // binds the token to its key, if there is one
}

// ClientToken is the answer (RFC 6749 §4.4.3): there is no refresh token.
type ClientToken struct {
	AccessToken string       `json:"access_token"`
	TokenType   token.Scheme `json:"token_type"`
	ExpiresIn   int64        `json:"expires_in"` // seconds
	Scope       string       `json:"scope"`
}

// Credentials gives a confidential client a token of its own. It costs no statement. It returns client.ErrUnproven; KindUnauthorizedClient for a client
// without any scope of a backend; a *Refusal with invalid_scope for one that it was not registered with; and KindInvalidProof, KindUseNonce or
// KindRateLimited for the proof.
func (s *Service) Credentials(ctx context.Context, r CredentialsRequest) (ClientToken, error) {
	id := r.Client.Proven()
	if id == "" {
		return ClientToken{}, client.ErrUnproven
	}
	c, _, err := s.clients.Registered(ctx, id, func(c models.Client) bool { return len(client.BackendScopes(c)) > 0 })
	if err != nil {
		return ClientToken{}, err
	}
	may := client.BackendScopes(c)
	if _, err := uuid.Parse(id); err == nil { // of a client of an earlier release: sub must not look like an account
		return ClientToken{}, auth.Refuse(auth.KindUnauthorizedClient, "A client whose id is a UUID gets no token of its own: register another one.")
	}
	if len(may) == 0 {
		return ClientToken{}, auth.Refuse(auth.KindUnauthorizedClient, "This client was registered without a scope such as users:read.")
	}
	scopes := may
	if asked := strings.Fields(r.Scope); len(asked) > 0 {
		for _, one := range asked {
			if !slices.Contains(may, one) {
				return ClientToken{}, &Refusal{Code: "invalid_scope", Description: "The client was not registered with one of the scopes. It may have: " + strings.Join(may, " ")}
			}
		}
		slices.Sort(asked)
		scopes = slices.Compact(asked)
	}
	jkt, proof, err := s.tokens.CheckProof(r.Proof, id, dpop.Request{})
	if err == nil {
		err = proof.Consume()
	}
	if err != nil {
		return ClientToken{}, err
	}
	t := ClientToken{TokenType: token.SchemeBearer, Scope: strings.Join(scopes, " ")}
	if jkt != "" {
		t.TokenType = token.SchemeDPoP
	}
	t.AccessToken, t.ExpiresIn, err = s.tokens.MintForClient(ctx, id, t.Scope, jkt)
	return t, err
}
