package api

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/operator"
	"latchkey/web/wire"
)

// AuthenticateBackend checks the access token of a backend's request, and that it and its client have a scope of /api/admin.
func (s *Server) AuthenticateBackend(w http.ResponseWriter, r *http.Request, scope string) (operator.Backend, error) {
	wire.InfoOf(r).Guarded = true
	presented, scheme, err := accessToken(r)
	if err != nil {
		return operator.Backend{}, err
	}
	who, err := s.tokens.AuthenticateClient(r.Context(), presented, scheme, s.proof(w, r), scope)
	wire.InfoOf(r).Client = who.ID
	return s.operator.Backend(who), err
}

// page is one answer of a list.
type page[T any] struct {
	Items []T     `json:"items"`
	Next  *string `json:"next"` // null: there is no more
}

// defaultPage is how many items a page has where the request does not say.
const defaultPage = 100

// place is where in a list a page begins, and how long it is.
type place struct {
	at    time.Time
	id    uuid.UUID
	limit int
}

// placeOf reads the parameters cursor and limit.
func placeOf(p wire.Params) (place, error) {
	at := place{limit: defaultPage}
	var bad auth.Fields
	if p["limit"] != "" {
		n, err := strconv.Atoi(p["limit"])
		if at.limit = n; err != nil || n < 1 || n > operator.MaxPage {
			bad.Refuse("limit", fmt.Sprintf("This must be a number from 1 to %d.", operator.MaxPage))
		}
	}
	if p["cursor"] != "" {
		var ok bool
		if at.at, at.id, ok = parseCursor(p["cursor"]); !ok {
			bad.Refuse("cursor", "This is no cursor of this list.")
		}
	}
	return at, bad.Err()
}

// cursorAt names a place in a list to a client: times have microseconds in both databases.
func cursorAt(at time.Time, id uuid.UUID) *string {
	text := base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(at.UnixMicro(), 10) + "." + id.String()))
	return &text
}

func parseCursor(text string) (at time.Time, id uuid.UUID, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	micros, rest, found := strings.Cut(string(b), ".")
	n, numberErr := strconv.ParseInt(micros, 10, 64)
	id, ok = auth.ParseID(rest)
	// The database holds the years 1 to 9999.
	if err != nil || numberErr != nil || !found || !ok || n < 0 || n > 253402300799_000000 {
		return at, id, false
	}
	return time.UnixMicro(n).UTC(), id, true
}
