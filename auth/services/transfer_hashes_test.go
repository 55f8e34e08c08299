package services_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash"
	"strings"
	"testing"

	"github.com/go-crypt/x/crypt"
	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/crypto/scrypt"
)

// foreignHashes make hashes as other systems do, at low costs. The published examples, at the costs of their time, are in package foreign.
var foreignHashes = map[string]func(t *testing.T, password string, salt []byte) string{
	"argon2id": func(_ *testing.T, password string, salt []byte) string {
		return "$argon2id$v=19$m=64,t=1,p=1$" + raw64(salt) + "$" + raw64(argon2.IDKey([]byte(password), salt, 1, 64, 1, 32))
	},
	"argon2i": func(_ *testing.T, password string, salt []byte) string {
		return "$argon2i$v=19$m=64,t=3,p=1$" + raw64(salt) + "$" + raw64(argon2.Key([]byte(password), salt, 3, 64, 1, 32))
	},
	"bcrypt": func(t *testing.T, password string, _ []byte) string {
		text, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Replace(string(text), "$2a$", "$2b$", 1)
	},
	"scrypt": func(t *testing.T, password string, salt []byte) string {
		return "$scrypt$ln=4,r=8,p=1$" + raw64(salt) + "$" + raw64(scryptKey(t, password, salt))
	},
	"Firebase": func(t *testing.T, password string, salt []byte) string {
		signer := make([]byte, 64)
		block, err := aes.NewCipher(scryptKey(t, password, append(salt[:len(salt):len(salt)], 7)))
		if err != nil {
			t.Fatal(err)
		}
		key := make([]byte, len(signer))
		cipher.NewCTR(block, make([]byte, aes.BlockSize)).XORKeyStream(key, signer)
		return "$fbscrypt$v=1,n=4,r=8,p=1,ss=Bw==,sk=" + raw64(signer) + "$" + raw64(salt) + "$" + raw64(key)
	},
	"PBKDF2-SHA1": func(t *testing.T, password string, salt []byte) string {
		return "$pbkdf2$1000$" + dots(raw64(salt)) + "$" + dots(raw64(pbkdf2Key(t, sha1.New, password, salt, 20)))
	},
	"PBKDF2-SHA256": func(t *testing.T, password string, salt []byte) string {
		return "$pbkdf2-sha256$1000$" + dots(raw64(salt)) + "$" + dots(raw64(pbkdf2Key(t, sha256.New, password, salt, 32)))
	},
	"PBKDF2-SHA512": func(t *testing.T, password string, salt []byte) string {
		return "$pbkdf2-sha512$i=1000,l=64$" + raw64(salt) + "$" + raw64(pbkdf2Key(t, sha512.New, password, salt, 64))
	},
	"Django": func(t *testing.T, password string, salt []byte) string {
		text := fmt.Sprintf("%x", salt)
		return "pbkdf2_sha256$1000$" + text + "$" + base64.StdEncoding.EncodeToString(pbkdf2Key(t, sha256.New, password, []byte(text), 32))
	},
	"ASP.NET Identity v2": func(t *testing.T, password string, salt []byte) string {
		return base64.StdEncoding.EncodeToString(append(append([]byte{0}, salt...), pbkdf2Key(t, sha1.New, password, salt, 32)...))
	},
	"ASP.NET Identity v3": func(t *testing.T, password string, salt []byte) string {
		head := []byte{1}
		for _, n := range []uint32{2, 1000, uint32(len(salt))} {
			head = binary.BigEndian.AppendUint32(head, n)
		}
		return base64.StdEncoding.EncodeToString(append(append(head, salt...), pbkdf2Key(t, sha512.New, password, salt, 32)...))
	},
	"sha512-crypt": func(_ *testing.T, password string, salt []byte) string {
		text := fmt.Sprintf("%x", salt)[:16]
		return "$6$rounds=1000$" + text + "$" + string(crypt.KeySHACrypt(sha512.New, []byte(password), []byte(text), 1000))
	},
}

func raw64(b []byte) string { return base64.RawStdEncoding.EncodeToString(b) }

// dots turns base64 into passlib's.
func dots(s string) string { return strings.ReplaceAll(s, "+", ".") }

func scryptKey(t *testing.T, password string, salt []byte) []byte {
	t.Helper()
	key, err := scrypt.Key([]byte(password), salt, 1<<4, 8, 1, 32)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func pbkdf2Key(t *testing.T, h func() hash.Hash, password string, salt []byte, size int) []byte {
	t.Helper()
	key, err := pbkdf2.Key(h, password, salt, 1000, size)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
