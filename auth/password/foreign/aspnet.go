package foreign

import (
	"encoding/binary"
	"fmt"
)

// The formats of ASP.NET Core Identity's PasswordHasher, in bytes.
const (
	aspnetV2Salt       = 16
	aspnetV2Size       = 1 + aspnetV2Salt + 32
	aspnetV2Iterations = 1000
	aspnetV3Head       = 1 + 3*4 // the version, then the PRF, the iterations and the size of the salt, big-endian
)

// parseASPNET parses what PasswordHasher writes: version 0 is PBKDF2-SHA1 with 1000 iterations, version 1 names its costs. rest lacks the
// first letter of the base64, which is an A.
func parseASPNET(rest string) (Hash, error) {
	b, err := decode("text", "A"+rest)
	if err != nil {
		return Hash{}, err
	}
	switch {
	case len(b) == aspnetV2Size && b[0] == 0:
		return sha1PRF.hashed(aspnetV2Iterations, b[1:1+aspnetV2Salt], b[1+aspnetV2Salt:])
	case len(b) < aspnetV3Head || b[0] != 1:
		return Hash{}, fmt.Errorf("%w: neither version 2 nor version 3", ErrMalformed)
	}
	functions := []prf{sha1PRF, sha256PRF, sha512PRF} // KeyDerivationPrf
	function, iterations, size := binary.BigEndian.Uint32(b[1:]), binary.BigEndian.Uint32(b[5:]), binary.BigEndian.Uint32(b[9:])
	b = b[aspnetV3Head:]
	if uint64(function) >= uint64(len(functions)) || uint64(size) > uint64(len(b)) {
		return Hash{}, fmt.Errorf("%w: an unknown function, or a salt that is too long", ErrMalformed)
	}
	if iterations > maxIterations {
		return Hash{}, above("number of iterations", int(iterations), maxIterations)
	}
	return functions[function].hashed(int(iterations), b[:size], b[size:])
}
