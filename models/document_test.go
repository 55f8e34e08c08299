package models_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"latchkey/models"
)

// Other tests count with the constants, so a changed constant would pass them all. Here each has to be what SECURITY.md says.
func TestTheBoundsAreThoseOfTheSecurityDocument(t *testing.T) {
	raw, err := os.ReadFile("../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	document := regexp.MustCompile(`\s+`).ReplaceAllString(string(raw), " ")
	for format, bound := range map[string]int{
		"for 30 days, at most %d of them":                                                       models.MaxKnownOrigins,
		"known networks and browsers of one account | %d | 30 days":                             models.MaxKnownOrigins,
		"known networks and browsers | `known_places` | %d: those known longest and the latest": models.MaxKnownOrigins,
		"An account has at most %d open ways back":                                              models.MaxWaysBack,
		"former addresses | `former_addresses` | %d that can be taken back":                     models.MaxWaysBack,
		"trusted browsers | `trusted_browsers` | %d, the latest":                                models.MaxTrustedBrowsers,
		"lets an app sign in | `consents` | %d, the latest":                                     models.MaxConsents,
		"ended devices | `devices` | %d, the live ones counted in":                              models.MaxEnded,
		"past %d of those in a day no limit begins again":                                       models.MaxResetsAfresh,
	} {
		if sentence := fmt.Sprintf(format, bound); !strings.Contains(document, sentence) {
			t.Errorf("SECURITY.md does not say: %s", sentence)
		}
	}
}
