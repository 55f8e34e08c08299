package foreign

import (
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// The costs of argon2. The floor is the smallest of those that OWASP calls equal for argon2id: 7 MiB and 5 passes. argon2i also needs the
// 3 passes that RFC 9106 §7.3 counts as its minimum.
const (
	maxArgonMemory = 128 << 10 // KiB
	maxArgonWork   = 512 << 10 // KiB times passes
	maxArgonPasses = 64
	maxArgonLanes  = 16
	minArgonMemory = 7 << 10
	minArgonWork   = 5 * minArgonMemory
	minArgonIPass  = 3
)

type argonKey func(password, salt []byte, time, memory uint32, threads uint8, size uint32) []byte

func parseArgon2id(rest string) (Hash, error) { return parseArgon2(rest, argon2.IDKey, 1) }

func parseArgon2i(rest string) (Hash, error) { return parseArgon2(rest, argon2.Key, minArgonIPass) }

func parseArgon2(rest string, derive argonKey, minPasses int) (Hash, error) {
	rest, ok := strings.CutPrefix(rest, fmt.Sprintf("v=%d$", argon2.Version))
	if !ok {
		return Hash{}, fmt.Errorf("%w: the version is not %d", ErrMalformed, argon2.Version)
	}
	params, rest, _ := strings.Cut(rest, "$")
	costs, err := numbers(params, "m", "t", "p")
	if err != nil {
		return Hash{}, err
	}
	memory, passes, lanes := costs[0], costs[1], costs[2]
	if passes < 1 || lanes < 1 || memory < 8*lanes {
		return Hash{}, fmt.Errorf("%w: costs that RFC 9106 forbids", ErrMalformed)
	}
	for _, err := range []error{
		above("memory in KiB", memory, maxArgonMemory), above("number of passes", passes, maxArgonPasses),
		above("number of lanes", lanes, maxArgonLanes), above("memory in KiB times passes", memory*passes, maxArgonWork),
	} {
		if err != nil {
			return Hash{}, err
		}
	}
	weak := below("memory in KiB", memory, minArgonMemory)
	if weak == "" {
		weak = below("memory in KiB times passes", memory*passes, minArgonWork)
	}
	if weak == "" {
		weak = below("number of passes", passes, minPasses)
	}
	salt, key, err := saltAndKey(rest)
	if err != nil {
		return Hash{}, err
	}
	return derived(salt, key, weak, func(password []byte) ([]byte, error) {
		return derive(password, salt, uint32(passes), uint32(memory), uint8(lanes), uint32(len(key))), nil
	})
}
