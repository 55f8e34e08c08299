package password

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
	"strings"
	"sync"
)

// The list is that of the npm package @zxcvbn-ts/language-common 4.1.3, under the MIT licence in
// common.LICENSE.txt. Shorter entries than a password may be are left out. To remake it:
//
//	npm pack @zxcvbn-ts/language-common@4.1.3
//	tar xzf zxcvbn-ts-language-common-4.1.3.tgz package/src/passwords.json package/LICENSE.txt
//	jq -r '.[] | select(length >= 8) | ascii_downcase' package/src/passwords.json |
//		LC_ALL=C sort -u | gzip -9n > auth/password/common.txt.gz
//	cp package/LICENSE.txt auth/password/common.LICENSE.txt
//
//go:embed common.txt.gz
var commonPasswordsGzip []byte

// commonPasswords is the list as one string of about 170 KB, with every entry between two line breaks. It is decompressed when the
// first password is checked, not when the program starts.
var commonPasswords = sync.OnceValue(func() string {
	packed, err := gzip.NewReader(bytes.NewReader(commonPasswordsGzip))
	if err != nil {
		panic("password: the embedded list of common passwords: " + err.Error())
	}
	list, err := io.ReadAll(packed)
	if err != nil {
		panic("password: the embedded list of common passwords: " + err.Error())
	}
	return "\n" + string(list)
})

// isCommonPassword looks up a password regardless of case. A plain search through the list takes a sixth of a millisecond; the hash
// that follows takes tens of milliseconds.
func isCommonPassword(password string) bool {
	if strings.Contains(password, "\n") {
		return false
	}
	return strings.Contains(commonPasswords(), "\n"+strings.ToLower(password)+"\n")
}
