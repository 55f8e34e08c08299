package keyring

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func TestCoordinatesArePaddedToTheirFullLength(t *testing.T) {
	for at, name := range map[int]string{1: "x", 33: "y"} {
		members := parseSet(t, keySet([]*Key{{Alg: ES256, private: zeroAt(t, at)}}))[0]
		if got := len(decode(t, members[name])); got != 32 {
			t.Errorf("%s has %d bytes, want 32", name, got)
		}
	}
}

// zeroAt tries the scalars 1, 2, 3 … until the given byte of the point is zero.
func zeroAt(t *testing.T, at int) *ecdsa.PrivateKey {
	t.Helper()
	for n := range 65535 {
		k, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), big.NewInt(int64(n+1)).FillBytes(make([]byte, 32)))
		if err != nil {
			t.Fatal(err)
		}
		if point, err := k.PublicKey.Bytes(); err == nil && point[at] == 0 {
			return k
		}
	}
	t.Fatal("no such key")
	return nil
}

func TestTheKeySetHasThePublicMembersAndNoOthers(t *testing.T) {
	keys := []*Key{generated(t, RS256, 1, start), generated(t, ES256, 2, start.Add(time.Hour)), generated(t, EdDSA, 1, start), generated(t, ES256, 1, start)}
	var got []string
	for _, m := range parseSet(t, New(ES256, keys, Schedule{}).JWKS(start)) {
		got = append(got, m["alg"]+": "+strings.Join(slices.Sorted(maps.Keys(m)), " "))
		if m["use"] != "sig" {
			t.Errorf("use = %q", m["use"])
		}
	}
	want := []string{
		"ES256: alg crv kid kty use x y", "ES256: alg crv kid kty use x y",
		"EdDSA: alg crv kid kty use x", "RS256: alg e kid kty n use",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	for alg, k := range map[string]*Key{ES256: keys[1], EdDSA: keys[2], RS256: keys[0]} {
		public := parsePublic(t, New(alg, keys, Schedule{}).JWKS(start))[k.ID]
		if !k.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(public) {
			t.Errorf("%s: the set names another key than the ring", alg)
		}
	}
}

func TestTheKeySetIsTheSameForAnyOrder(t *testing.T) {
	keys := []*Key{generated(t, ES256, 1, start), generated(t, ES256, 2, start), generated(t, EdDSA, 1, start), generated(t, EdDSA, 2, start)}
	want := string(New(ES256, keys, Schedule{}).JWKS(start))
	slices.Reverse(keys)
	if got := string(New(ES256, keys, Schedule{}).JWKS(start)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := string(New(ES256, nil, Schedule{}).JWKS(start)); got != `{"keys":[]}` {
		t.Errorf("an empty ring: %s", got)
	}
}

func TestPrintingAKeyShowsNoPrivatePart(t *testing.T) {
	k := generated(t, ES256, 7, start)
	scalar, err := k.private.(*ecdsa.PrivateKey).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	d := new(big.Int).SetBytes(scalar)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		for _, v := range []any{k, *k, []*Key{k}} {
			if out := fmt.Sprintf(verb, v); strings.Contains(out, d.String()) || strings.Contains(out, d.Text(16)) || !strings.Contains(out, k.ID) {
				t.Errorf("%s: %s", verb, out)
			}
		}
	}
	if body, err := json.Marshal(k); err != nil || strings.Contains(string(body), "rivate") {
		t.Errorf("JSON: %s, %v", body, err)
	}
}

func generated(t testing.TB, alg string, seq int64, signsFrom time.Time) *Key {
	t.Helper()
	k, err := Generate(alg, seq, start, signsFrom)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func decode(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func parseSet(t testing.TB, body []byte) []map[string]string {
	t.Helper()
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(body, &set); err != nil {
		t.Fatal(err)
	}
	return set.Keys
}

// parsePublic parses a key set as a resource server would.
func parsePublic(t testing.TB, body []byte) map[string]crypto.PublicKey {
	t.Helper()
	keys := map[string]crypto.PublicKey{}
	for _, m := range parseSet(t, body) {
		switch m["kty"] + m["crv"] {
		case "ECP-256":
			keys[m["kid"]] = ecPublic(t, m["x"], m["y"])
		case "OKPEd25519":
			keys[m["kid"]] = ed25519.PublicKey(decode(t, m["x"]))
		case "RSA":
			keys[m["kid"]] = &rsa.PublicKey{N: new(big.Int).SetBytes(decode(t, m["n"])), E: int(new(big.Int).SetBytes(decode(t, m["e"])).Int64())}
		default:
			t.Fatalf("kty %q, crv %q", m["kty"], m["crv"])
		}
	}
	return keys
}

func ecPublic(t testing.TB, x, y string) *ecdsa.PublicKey {
	t.Helper()
	p, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, decode(t, x), decode(t, y)))
	if err != nil {
		t.Fatal(err)
	}
	return p
}
