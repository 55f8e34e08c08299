package statuslist

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/bits"
)

// ErrList says that a text is not an encoded list, or that the list is too long.
var ErrList = errors.New("statuslist: not a status list")

// Encode returns lst: the bits, compressed with zlib at the best level, as base64url without padding (§4.1, §4.2).
func Encode(b Bits) (lst string, err error) {
	var packed bytes.Buffer
	w, err := zlib.NewWriterLevel(&packed, zlib.BestCompression)
	if err != nil {
		return "", err
	}
	if _, err = w.Write(b); err == nil {
		err = w.Close()
	}
	if err != nil {
		return "", fmt.Errorf("statuslist: compress: %w", err)
	}
	out := packed.Bytes()
	if short := endInPlace(out, len(b)); short != nil {
		if again, err := inflate(short, len(b)); err == nil && bytes.Equal(again, b) {
			out = short
		}
	}
	return base64.RawURLEncoding.EncodeToString(out), nil
}

// endInPlace marks the only block of a short zlib stream as the last. Go's writer instead appends an empty last block, which is
// valid but longer, and unlike the draft's examples. It returns nil if there may be several blocks.
func endInPlace(stream []byte, content int) []byte {
	const header, emptyBlock, checksum, oneBlock = 2, 4, 4, 1 << 14
	end := len(stream) - checksum - emptyBlock
	if content >= oneBlock || end <= header || stream[header]&1 == 1 {
		return nil
	}
	// The last bit that is set before the empty block's length marks that block as the last.
	for end > header && stream[end-1] == 0 {
		end--
	}
	mark := bits.Len8(stream[end-1]) - 1
	if mark < 0 {
		return nil
	}
	short := bytes.Clone(stream[:end])
	short[header] |= 1
	short[end-1] &^= 1 << mark
	if mark == 0 {
		short = short[:end-1]
	}
	return append(short, stream[len(stream)-checksum:]...)
}

// Decode reverses Encode. It returns ErrList for other texts, and for more than maxBytes bytes of bits, with eight tokens each. It
// never keeps more than that in memory, because a short text can expand to a gigabyte.
func Decode(lst string, maxBytes int) (Bits, error) {
	if len(lst) > base64.RawURLEncoding.EncodedLen(maxBytes+maxBytes/1000+64) { // zlib adds less, however random the bits
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrList, maxBytes)
	}
	packed, err := base64.RawURLEncoding.Strict().DecodeString(lst)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrList, err)
	}
	b, err := inflate(packed, maxBytes)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrList, err)
	}
	return b, nil
}

func inflate(packed []byte, maxBytes int) (Bits, error) {
	rest := bytes.NewReader(packed)
	r, err := zlib.NewReader(rest)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(r, int64(maxBytes)+1))
	switch {
	case err != nil:
		return nil, err
	case len(b) > maxBytes:
		return nil, fmt.Errorf("longer than %d bytes", maxBytes)
	case rest.Len() > 0:
		return nil, errors.New("something follows the list")
	}
	return b, nil
}
