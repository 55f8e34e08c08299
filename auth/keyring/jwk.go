package keyring

import (
	"encoding/json"

	"latchkey/auth/jws"
)

// keySet returns the keys as a JSON Web Key Set, in the given order.
func keySet(keys []*Key) []byte {
	set := struct {
		Keys []jws.JWK `json:"keys"`
	}{Keys: make([]jws.JWK, 0, len(keys))}
	for _, k := range keys {
		j, err := jws.PublicJWK(k.Public())
		if err != nil {
			continue // no Key has such a public key
		}
		j.Kid, j.Alg, j.Use = k.ID, k.Alg, "sig"
		set.Keys = append(set.Keys, j)
	}
	body, err := json.Marshal(set)
	if err != nil {
		panic("keyring: a struct of strings did not marshal: " + err.Error())
	}
	return body
}
