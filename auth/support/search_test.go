package support

import (
	"testing"

	"github.com/google/uuid"

	"latchkey/auth"
)

func FuzzCursor(f *testing.F) {
	for _, c := range []cursor{{}, {list: listPeople, key: "ada@example.com"}, {list: listDevices, id: uuid.Max, key: "ä\u200b"}} {
		f.Add(c.String())
	}
	f.Fuzz(func(t *testing.T, s string) {
		c := parseCursor(s)
		if c.list == 0 && c != (cursor{}) || auth.ProblemWithText(c.key, maxSearch) != "" {
			t.Errorf("%q is read as %+v", s, c)
		}
		if c.list != 0 && parseCursor(c.String()) != c {
			t.Errorf("%+v does not survive", c)
		}
	})
}
