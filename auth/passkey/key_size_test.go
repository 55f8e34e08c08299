package passkey_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"testing"

	"github.com/descope/virtualwebauthn"
)

// Strangers make the server verify a signature under any key that someone has registered. RSA keys of thousands of bits are what makes
// that dear; no authenticator makes one.
func TestAHugeKeyIsRefused(t *testing.T) {
	c := newSite(t)
	rsa := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeRSA)
	for bits, fine := range map[int]bool{2048: true, 4096: true, 8192: true, 16384: false, 65536: false} {
		p := newPerson(t, ada)
		p.key = rsa
		options, session := beginCreation(t, c, ada)
		body := edit(t, p.create(t, site, options), func(_, response map[string]any) {
			object, err := base64.RawURLEncoding.DecodeString(response["attestationObject"].(string))
			if err != nil {
				t.Fatal(err)
			}
			response["attestationObject"] = rawURL(withModulus(object, bits))
		})
		made, err := c.FinishCreation(ada, session, body, now)
		if (err == nil) != fine {
			t.Errorf("a key of %d bits (%d bytes): %v", bits, len(made.PublicKey), err)
		}
	}
}

// withModulus is an attestation object (Level 3, section 6.5.4) without a statement, about an RSA key (RFC 8230) with another modulus.
func withModulus(object []byte, bits int) []byte {
	_, data, _ := bytes.Cut(object, []byte("authData"))
	data = data[3:]  // a byte string with a length of two bytes
	const fixed = 53 // the hash of the RP ID, flags, counter, AAGUID
	data = data[:fixed+2+int(binary.BigEndian.Uint16(data[fixed:]))]
	data = append(bytes.Clone(data), 0xA4, 0x01, 0x03, 0x03, 0x39, 0x01, 0x00, 0x20) // kty RSA, alg RS256, then n and e
	data = append(data, byteString(bytes.Repeat([]byte{0xC5}, bits/8))...)
	data = append(data, 0x21, 0x43, 0x01, 0x00, 0x01)
	return append([]byte("\xA3\x63fmt\x64none\x67attStmt\xA0\x68authData"), byteString(data)...)
}

// byteString is CBOR (RFC 8949).
func byteString(b []byte) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{0x59}, uint16(len(b))), b...)
}
