package client

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"latchkey/models"
)

// MaxApps is how many native apps one client may have of each kind.
const MaxApps = 50

// Apps are the native apps of all registered clients. Each is named once, in order.
type Apps struct {
	IOS     []string // TEAM.bundle, as the entitlements of the app name it
	Android []AndroidApp
}

// AndroidApp is a package, with the SHA-256 of each certificate that may have signed it.
type AndroidApp struct {
	Package      string
	Certificates [][32]byte
}

// AppsOf returns the apps of some clients.
func AppsOf(clients ...models.Client) (a Apps) {
	var android []string
	for _, c := range clients {
		a.IOS = append(a.IOS, strings.Fields(c.IOSApps)...)
		android = append(android, strings.Fields(c.AndroidApps)...)
	}
	a.IOS = inOrder(a.IOS)
	for _, app := range inOrder(android) {
		name, digits, _ := strings.Cut(app, "=")
		sum, err := hex.DecodeString(digits)
		if err != nil || len(sum) != 32 {
			continue // Add writes none such
		}
		if last := len(a.Android) - 1; last < 0 || a.Android[last].Package != name {
			a.Android = append(a.Android, AndroidApp{Package: name})
		}
		last := &a.Android[len(a.Android)-1]
		last.Certificates = append(last.Certificates, [32]byte(sum))
	}
	return a
}

func inOrder(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

var (
	iosApp         = regexp.MustCompile(`^[A-Z0-9]{10}\.[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$`)
	androidPackage = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)+$`)
	pairs          = regexp.MustCompile(`^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2})+$`)
)

const maxAppName = 255 // characters

// readIOS checks one app: the prefix of its id, which is usually the team's, and its bundle id.
func readIOS(app string) (_, problem string) {
	if len(app) > maxAppName || !iosApp.MatchString(app) {
		return "", fmt.Sprintf("%q is not a team and a bundle, such as A1B2C3D4E5.com.example.notes.", app)
	}
	return app, ""
}

// readAndroid checks one app, and returns it with the fingerprint in small digits without colons.
func readAndroid(app string) (_, problem string) {
	name, fingerprint, _ := strings.Cut(app, "=")
	if len(name) > maxAppName || !androidPackage.MatchString(name) {
		return "", fmt.Sprintf("%q does not begin with a package and =, such as com.example.notes=14:6D:E9:….", app)
	}
	if pairs.MatchString(fingerprint) {
		fingerprint = strings.ReplaceAll(fingerprint, ":", "")
	}
	sum, err := hex.DecodeString(fingerprint)
	switch {
	case err != nil || len(sum) == 0:
		return "", fmt.Sprintf("%q is not a fingerprint: 64 hexadecimal digits, or 32 pairs with colons between, as keytool prints SHA256.", fingerprint)
	case len(sum) != 32:
		return "", fmt.Sprintf("A SHA-256 fingerprint has 64 hexadecimal digits, and that of %s has %d.", name, len(fingerprint))
	}
	return name + "=" + hex.EncodeToString(sum), ""
}

// Fingerprint writes the SHA-256 of a certificate as keytool does: pairs of capital digits, with colons between.
func Fingerprint(sum [32]byte) string {
	return strings.ReplaceAll(fmt.Sprintf("% X", sum[:]), " ", ":")
}
