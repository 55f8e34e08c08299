package resource

import (
	"encoding/json"
	"testing"
)

func TestKeysThatAreNotTakenIntoTheSet(t *testing.T) {
	i := newIssuer(t, "EdDSA")
	i.rotate("ES256")
	i.rotate("RS256")
	var published struct {
		Keys []map[string]any `json:"keys"`
	}
	if err := json.Unmarshal(i.jwks(), &published); err != nil || len(published.Keys) != 3 {
		t.Fatalf("%d keys, %v", len(published.Keys), err)
	}
	byType := map[string]map[string]any{}
	for _, one := range published.Keys {
		byType[one["kty"].(string)] = one
	}
	for name, test := range map[string]struct {
		kty     string
		changes map[string]any
		good    bool
	}{
		"Ed25519 as it is":             {"OKP", nil, true},
		"Ed25519 by RFC 9864":          {"OKP", map[string]any{"alg": "Ed25519"}, true},
		"P-256 as it is":               {"EC", nil, true},
		"P-256 that says Ed25519":      {"EC", map[string]any{"alg": "Ed25519"}, false},
		"Ed448":                        {"OKP", map[string]any{"alg": "Ed448", "crv": "Ed448"}, false},
		"RSA as it is":                 {"RSA", nil, true},
		"without alg and use":          {"EC", map[string]any{"alg": nil, "use": nil}, true},
		"for verifying":                {"EC", map[string]any{"key_ops": []string{"verify"}}, true},
		"for signing":                  {"EC", map[string]any{"key_ops": []string{"sign"}}, false},
		"for encrypting":               {"EC", map[string]any{"use": "enc"}, false},
		"without a kid":                {"EC", map[string]any{"kid": nil}, false},
		"with its private half":        {"OKP", map[string]any{"d": "AAAA"}, false},
		"alg of another type":          {"EC", map[string]any{"alg": "EdDSA"}, false},
		"alg HS256":                    {"EC", map[string]any{"alg": "HS256"}, false},
		"alg PS256":                    {"RSA", map[string]any{"alg": "PS256"}, false},
		"alg none":                     {"OKP", map[string]any{"alg": "none"}, false},
		"on another curve":             {"EC", map[string]any{"crv": "P-384"}, false},
		"on X25519":                    {"OKP", map[string]any{"crv": "X25519"}, false},
		"off the curve":                {"EC", map[string]any{"x": byType["EC"]["y"]}, false},
		"at infinity":                  {"EC", map[string]any{"x": b64(make([]byte, 32)), "y": b64(make([]byte, 32))}, false},
		"short x":                      {"OKP", map[string]any{"x": b64(make([]byte, 31))}, false},
		"padded x":                     {"OKP", map[string]any{"x": byType["OKP"]["x"].(string) + "="}, false},
		"RSA of 1024 bits":             {"RSA", map[string]any{"n": b64(append([]byte{0x80}, make([]byte, 127)...))}, false},
		"RSA of 16384 bits":            {"RSA", map[string]any{"n": b64(append([]byte{0x80}, make([]byte, 2047)...))}, false},
		"RSA with exponent 1":          {"RSA", map[string]any{"e": "AQ"}, false},
		"RSA with an even exponent":    {"RSA", map[string]any{"e": "AAAE"}, false},
		"RSA with a gigantic exponent": {"RSA", map[string]any{"e": b64(make([]byte, 5))}, false},
		"symmetric":                    {"EC", map[string]any{"kty": "oct", "k": "AAAA"}, false},
	} {
		one := map[string]any{}
		for member, value := range byType[test.kty] {
			one[member] = value
		}
		for member, value := range test.changes {
			one[member] = value
			if value == nil {
				delete(one, member)
			}
		}
		set, err := parseKeySet(asJSON(t, map[string]any{"keys": []any{one, map[string]any{"kty": "of the future"}, 5}}), allAlgs)
		if (err == nil && len(set) == 1) != test.good {
			t.Errorf("%s: %d keys, %v", name, len(set), err)
		}
	}
	if set, err := parseKeySet(asJSON(t, map[string]any{"keys": append(make([]any, maxKeys), byType["EC"])}), allAlgs); err == nil {
		t.Errorf("one more than the most: %d keys", len(set))
	}
	if set, err := parseKeySet(asJSON(t, map[string]any{"keys": []any{byType["EC"], byType["EC"]}}), allAlgs); err == nil {
		t.Errorf("the same kid twice: %d keys", len(set))
	}
}
