package password

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// The SHA-1 of "password" is 5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8.
func TestBreachedReadsARange(t *testing.T) {
	const (
		hers  = "1E4C9B93F3F0682250B6CF8331B7EE68FD8"
		other = "1D2DA4053E34E76F6576ED1DA63134B5E2A"
	)
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		answer string
		err    error
		want   bool
		fails  error
	}{
		"found":                       {answer: other + ":2\r\n" + hers + ":3861493\r\n", want: true},
		"found, in lower case":        {answer: strings.ToLower(hers) + ":1", want: true},
		"not found":                   {answer: other + ":2\r\n"},
		"nothing at all":              {answer: ""},
		"padding":                     {answer: hers + ":0\r\n" + other + ":0\r\n"},
		"padding with more zeros":     {answer: hers + ":000\n"},
		"a page":                      {answer: "<html>welcome to the hotel</html>", fails: ErrNoRange},
		"found, then garbage":         {answer: hers + ":1\n<html>", fails: ErrNoRange},
		"a suffix without a count":    {answer: hers + "\n", fails: ErrNoRange},
		"a count that is none":        {answer: hers + ":many\n", fails: ErrNoRange},
		"a negative count":            {answer: hers + ":-1\n", fails: ErrNoRange},
		"an empty count":              {answer: hers + ":\n", fails: ErrNoRange},
		"a short suffix":              {answer: hers[1:] + ":1\n", fails: ErrNoRange},
		"digits that are none":        {answer: "Z" + hers[1:] + ":1\n", fails: ErrNoRange},
		"the service does not answer": {err: broken, fails: broken},
	} {
		t.Run(name, func(t *testing.T) {
			asked := ""
			got, err := Breached(t.Context(), func(_ context.Context, prefix string) (string, error) {
				asked = prefix
				return test.answer, test.err
			}, "password")
			if got != test.want || !errors.Is(err, test.fails) || asked != "5BAA6" {
				t.Errorf("%v, %v after asking for %q", got, err, asked)
			}
		})
	}
}
