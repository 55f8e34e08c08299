package device

import (
	"fmt"
	"testing"

	"latchkey/models"
)

// FuzzActivityCursor checks that any text is a cursor that both databases understand, and that our own cursors parse again.
func FuzzActivityCursor(f *testing.F) {
	for _, cursor := range []string{"", "-", "1-", "1763899200000000-019aad6e-8000-7000-8000-000000000000", "+1-{019aad6e-8000-7000-8000-000000000000}",
		"4503599627370496-019aad6e80007000800000000000000", "4503599627370497-019aad6e-8000-7000-8000-000000000000", "9223372036854775808-x", "-1-019aad6e-8000-7000-8000-000000000000"} {
		f.Add(cursor)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c := parseCursor(text)
		if c == (models.EventCursor{}) {
			return
		}
		if year := c.At.Year(); year < 1970 || year > 2200 {
			t.Fatalf("%q is a place at %v", text, c.At)
		}
		if again := parseCursor(fmt.Sprintf("%d-%s", c.At.UnixMicro(), c.ID)); again != c {
			t.Fatalf("%q: %+v came back as %+v", text, c, again)
		}
	})
}
