package resource

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"latchkey/auth/keyring"
	"latchkey/auth/statuslist"
)

// Tokens, keys and lists of another library, and ours read by that library.

func TestWhatGoJoseSignsIsVerified(t *testing.T) {
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	for alg, private := range map[jose.SignatureAlgorithm]crypto.Signer{
		jose.ES256: must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)),
		jose.RS256: must[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, 3072)),
		jose.EdDSA: ed,
	} {
		i := newIssuer(t, keyring.ES256)
		sign := func(typ string, claims any) string {
			options := (&jose.SignerOptions{}).WithType(jose.ContentType(typ)).WithHeader("kid", "made elsewhere")
			signer := must[jose.Signer](t)(jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: private}, options))
			return must[string](t)(must[*jose.JSONWebSignature](t)(signer.Sign(asJSON(t, claims))).CompactSerialize())
		}
		i.instead[jwksPath] = func(w http.ResponseWriter, _ *http.Request) {
			w.Write(asJSON(t, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: private.Public(), KeyID: "made elsewhere", Algorithm: string(alg), Use: "sig"}}}))
		}
		i.instead[listPath] = func(w http.ResponseWriter, _ *http.Request) {
			w.Write([]byte(sign(statuslist.Type, map[string]any{
				"sub": theList, "iat": time.Now().Unix(), "ttl": 60, "status_list": map[string]any{"bits": 1, "lst": "eNrbuRgAAhcBXQ"},
			})))
		}
		v := i.verifier(nil)
		token := func(typ string, index int) string {
			return sign(typ, map[string]any{
				"iss": theIssuer, "aud": []string{theAudience}, "sub": "s", "client_id": "app", "jti": "j", "iat": time.Now().Unix(),
				"exp": time.Now().Add(time.Hour).Unix(), "status": status(index, theList),
			})
		}
		want(t, v, token("at+jwt", 1), nil, string(alg))
		want(t, v, token("at+jwt", 0), ErrRevoked, string(alg)+", revoked")
		want(t, v, token("JWT", 1), ErrInvalidToken, string(alg)+", of another type")
	}
}

func TestWhatLatchkeySignsIsVerifiedByGoJose(t *testing.T) {
	for _, alg := range allAlgs {
		i := newIssuer(t, alg)
		i.revoke(5)
		public := jose.JSONWebKey{Key: i.signer().Public(), KeyID: i.signer().ID, Algorithm: alg, Use: "sig"}
		for typ, text := range map[string]string{"at+jwt": i.listed(1), statuslist.Type: i.list()} {
			signed := must[*jose.JSONWebSignature](t)(jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)}))
			if _, err := signed.Verify(public); err != nil || signed.Signatures[0].Header.ExtraHeaders["typ"] != typ {
				t.Errorf("%s, %s: %v, %v", alg, typ, signed.Signatures[0].Header, err)
			}
		}
	}
}
