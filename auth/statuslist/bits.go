package statuslist

import "math/bits"

// Bits holds one bit for each token, the first in the least significant bit of the first byte (§4.1). A bit that is set says that
// its token is revoked.
type Bits []byte

// NewBits returns bits for n tokens, rounded up to whole bytes, that are not revoked.
func NewBits(n int) Bits { return make(Bits, (n+7)/8) }

// Len returns the number of bits, a multiple of 8.
func (b Bits) Len() int { return 8 * len(b) }

// Count returns how many tokens are revoked.
func (b Bits) Count() (n int) {
	for _, eight := range b {
		n += bits.OnesCount8(eight)
	}
	return n
}

// Set revokes a token. Like a slice index, it panics if i is out of range.
func (b Bits) Set(i int) { b[i/8] |= 1 << (i % 8) }

// Add revokes the tokens that are revoked in other, which must have the same length or be nil.
func (b Bits) Add(other Bits) {
	for i, eight := range other {
		b[i] |= eight
	}
}

// Get reports whether a token is revoked. It returns true if i is out of range, because the list says nothing about that token
// (§8.3).
func (b Bits) Get(i int) bool {
	if i < 0 || i/8 >= len(b) {
		return true
	}
	return b[i/8]>>(i%8)&1 == 1
}
