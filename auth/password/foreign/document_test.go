package foreign

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// MIGRATING.md names the caps and the floors.
func TestTheDocumentNamesTheLimits(t *testing.T) {
	raw, err := os.ReadFile("../../../cmd/latchkey/MIGRATING.md")
	if err != nil {
		t.Fatal(err)
	}
	for row, values := range map[string][]string{
		"argon2id, argon2i": {
			fmt.Sprintf("%d MiB; %d MiB times passes; %d passes; %d lanes", maxArgonMemory>>10, maxArgonWork>>10, maxArgonPasses, maxArgonLanes),
			fmt.Sprintf("%d MiB and %d MiB times passes; argon2i: %d passes", minArgonMemory>>10, minArgonWork>>10, minArgonIPass),
		},
		"bcrypt": {fmt.Sprintf("cost %d | cost %d", maxBcryptCost, minBcryptCost)},
		"scrypt": {fmt.Sprintf("%d MiB; %d MiB times p | %d MiB times p", maxScryptMemory, maxScryptWork, minScryptWork)},
		"PBKDF2": {
			thousands(maxIterations) + " iterations", thousands(sha1PRF.floor) + " with SHA-1", thousands(sha256PRF.floor) + " with SHA-256", thousands(sha512PRF.floor) + " with SHA-512",
		},
		"sha512-crypt": {thousands(maxShaCryptRounds) + " rounds; passwords of " + fmt.Sprint(maxShaCryptPassword) + " bytes | " + thousands(shaCryptFloor) + " rounds"},
	} {
		_, line, ok := strings.Cut(string(raw), "\n| "+row+" |")
		line, _, _ = strings.Cut(line, "\n")
		for _, value := range values {
			if !ok || !strings.Contains(line, value) {
				t.Errorf("the row %q does not say %q: %s", row, value, line)
			}
		}
	}
}

// thousands writes a number of at least a thousand with commas.
func thousands(n int) string {
	if n < 1_000_000 {
		return fmt.Sprintf("%d,%03d", n/1000, n%1000)
	}
	return fmt.Sprintf("%d,%03d,%03d", n/1_000_000, n/1000%1000, n%1000)
}
