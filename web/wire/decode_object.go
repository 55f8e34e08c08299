package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
)

// ObjectMark ends the name of a wanted member that is a JSON object. Its Params entry, under the name without the mark, is its JSON.
const ObjectMark = "{}"

// maxObjectDepth is how deep a member that is an object may nest, itself included. A PublicKeyCredential has four levels.
const maxObjectDepth = 16

// checkObject refuses a member that is no object, and one in which a name is repeated or which nests too deep. The readers of such
// objects take the last of two members, and match names in any case: "id" and "ID" are therefore a repetition, too. value is
// well-formed JSON.
func checkObject(name string, value json.RawMessage) error {
	d := json.NewDecoder(bytes.NewReader(value))
	d.UseNumber()              // a number that is too large for this reader may be good for another
	var open []map[string]bool // for each object and array that is open: the names so far; nil for an array
	for key := false; ; {
		token, err := d.Token()
		if err != nil {
			return BadBody("The request body is not well-formed JSON.", nil)
		}
		if key {
			if text, ok := token.(string); ok {
				seen, folded := open[len(open)-1], foldName(text)
				if seen[folded] {
					return BadBody(fmt.Sprintf("A member of %q is repeated.", name), nil)
				}
				seen[folded], key = true, false
				continue
			}
		}
		switch token {
		case json.Delim('{'):
			open = append(open, map[string]bool{})
		case json.Delim('['):
			open = append(open, nil)
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
		}
		switch {
		case len(open) == 0 && token == json.Delim('}'):
			return nil
		case len(open) == 0 || open[0] == nil:
			return BadBody(fmt.Sprintf("The member %q must be an object.", name), nil)
		case len(open) > maxObjectDepth:
			return BadBody(fmt.Sprintf("The member %q nests too deep.", name), nil)
		}
		key = open[len(open)-1] != nil
	}
}

// foldName returns the same text for names that encoding/json takes for one another.
func foldName(name string) string {
	return strings.Map(func(r rune) rune {
		for {
			next := unicode.SimpleFold(r)
			if next <= r {
				return next
			}
			r = next
		}
	}, name)
}
