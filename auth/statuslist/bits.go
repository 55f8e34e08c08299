package statuslist

// Bits holds one bit for each token, the first in the least significant bit of the first byte (§4.1). A bit that is set
// says that its token is revoked.
type Bits []byte

// NewBits has room for n tokens, none of them revoked; n is rounded up to whole bytes.
func NewBits(n int) Bits { return make(Bits, (n+7)/8) }

// Len is the number of bits, a multiple of 8.
func (b Bits) Len() int { return 8 * len(b) }

// Set revokes a token. Like a slice, it panics when i is out of range.
func (b Bits) Set(i int) { b[i/8] |= 1 << (i % 8) }

// Get tells whether a token is revoked. One out of range is: nobody vouches for it (§8.3).
func (b Bits) Get(i int) bool {
	if i < 0 || i/8 >= len(b) {
		return true
	}
	return b[i/8]>>(i%8)&1 == 1
}
