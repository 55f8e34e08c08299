package support

import (
	"context"
	"encoding/base64"
	"errors"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/browser"
	"latchkey/models"
)

const (
	maxSearch    = 254 // as long as the longest e-mail address
	shortestPart = 3   // a shorter text must match completely, so that no one can page through all people by "a"
)

// SeenWithin are the spans that a search can be limited to, by their names in URLs.
var SeenWithin = map[string]time.Duration{"hour": time.Hour, "day": 24 * time.Hour, "week": 7 * 24 * time.Hour, "month": 30 * 24 * time.Hour}

// Query is a search by a member of the support staff.
type Query struct {
	Text  string // e-mail address, device or account id, IP address, or device name
	Kind  string // models.KindApp or models.KindBrowser; anything else: both
	Live  string // models.OnlyLive or models.OnlyEnded; anything else: both
	Seen  string // a key of SeenWithin; anything else: at any time
	After string // cursor of a page; an invalid one starts at the beginning
	From  auth.Caller
}

// Result is a page of what a search found. With a cursor, it is a page of one of the lists only.
type Result struct {
	People      []models.FoundPerson
	Devices     []models.FoundDevice
	MorePeople  string // cursor, "" on the last page
	MoreDevices string
	Address     string // the text as an IP address; empty if it is something else
	TooSlow     bool   // the search took too long and must be narrowed
}

// Search finds people and devices for a member of the support staff. It first records the search in the member's own activity.
// People who appear in a list are not told; viewing one of them is another request. Search returns KindInvalidRequest, KindNotFound
// if the caller is not support staff, KindRateLimited, or KindUnavailable if the search could not be recorded.
func (s *Service) Search(ctx context.Context, by *browser.Session, q Query) (Result, error) {
	if err := requireSupport(by); err != nil {
		return Result{}, err
	}
	q.Text = auth.TrimEmail(q.Text)
	if problem := problemWithSearch(q.Text); problem != "" {
		return Result{}, auth.InvalidField("q", problem)
	}
	now := s.clock.Now()
	if err := s.acts.admit(by.User.ID, now); err != nil {
		return Result{}, err
	}
	if strings.Contains(q.Text, "@") {
		key, err := auth.EmailKey(ctx, s.store, q.Text, s.clock.Now())
		if err != nil {
			return Result{}, err
		}
		if key != auth.FoldEmail(q.Text) {
			q.Text = key // the account's own spelling: deleting the account also removes it from recorded searches
		}
	}
	e := auth.NewEvent(models.EventSupportSearched, by.User.ID, q.From, now)
	e.Actor, e.ActorID, e.Detail = models.ActorSupport, uuid.NullUUID{UUID: by.User.ID, Valid: true}, q.detail()
	if err := recorded(s.store.AddEvent(ctx, e)); err != nil {
		return Result{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.Patience)
	defer cancel()
	found, err := s.find(ctx, q, now)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return Result{TooSlow: true}, nil
	}
	return found, err
}

// problemWithSearch refuses texts that must not be stored in the search's event. A text that begins like a token may be one.
func problemWithSearch(text string) string {
	switch {
	case text == "":
		return "Enter something to search for."
	case looksLikeToken(text):
		return tokenProblem
	}
	return auth.ProblemWithText(text, maxSearch)
}

// detail returns the search as the activity shows it.
func (q Query) detail() string {
	text := q.Text
	if strings.Contains(text, "@") {
		text = auth.FoldEmail(text) // the form that deleting the account with that address looks for
	}
	parts := []string{text}
	f := q.filter(time.Time{})
	if f.Kind != "" {
		parts = append(parts, f.Kind+"s")
	}
	if f.Live != "" {
		parts = append(parts, f.Live)
	}
	if !f.SeenSince.IsZero() {
		parts = append(parts, "seen within a "+q.Seen)
	}
	if q.After != "" {
		parts = append(parts, "further")
	}
	return strings.Join(parts, models.SearchSeparator)
}

func (q Query) filter(now time.Time) (f models.DeviceFilter) {
	if q.Kind == models.KindApp || q.Kind == models.KindBrowser {
		f.Kind = q.Kind
	}
	if q.Live == models.OnlyLive || q.Live == models.OnlyEnded {
		f.Live = q.Live
	}
	if span, ok := SeenWithin[q.Seen]; ok {
		f.SeenSince = now.Add(-span)
	}
	return f
}

// find searches for what the text can be. An id and an IP address are nothing else; any other text is the beginning of an e-mail
// address or of a device's name.
func (s *Service) find(ctx context.Context, q Query, now time.Time) (found Result, err error) {
	search := models.DeviceSearch{Filter: q.filter(now), Live: s.idle.Live(now), Limit: page + 1}
	after := parseCursor(q.After)
	if id, ok := auth.ParseID(q.Text); ok {
		return s.findByID(ctx, id, search)
	}
	if ip, err := netip.ParseAddr(q.Text); err == nil && ip.Zone() == "" {
		found.Address = ip.Unmap().String()
		found.Devices, err = s.store.DevicesByAddress(ctx, found.Address, after.id, search)
		found.endDevices()
		return found, err
	}
	name := models.NameKey(q.Text)
	if after.list != listDevices {
		found.People, err = s.store.PeopleByEmail(ctx, prefix(auth.FoldEmail(q.Text)), after.key, search)
		found.endPeople()
	}
	if err == nil && after.list != listPeople && name != "" {
		found.Devices, err = s.store.DevicesByName(ctx, prefix(name), models.NameCursor{Key: after.key, ID: after.id}, search)
		found.endDevices()
	}
	return found, err
}

func prefix(folded string) models.KeyPrefix {
	return models.KeyPrefix{Text: folded, Whole: utf8.RuneCountInString(folded) < shortestPart}
}

// findByID finds a device or, failing that, an account. Filters apply to devices only.
func (s *Service) findByID(ctx context.Context, id uuid.UUID, search models.DeviceSearch) (found Result, err error) {
	found.Devices, err = s.store.DevicesByID(ctx, id, search)
	if err != nil || len(found.Devices) > 0 {
		return found, err
	}
	p, err := s.store.PersonByID(ctx, id, search.Live)
	if errors.Is(err, models.ErrNotFound) {
		return found, nil
	}
	found.People = []models.FoundPerson{p}
	return found, err
}

// The lists that a cursor can be about.
const (
	listPeople  = 'p'
	listDevices = 'd'
)

// cursor is a position in one of the lists: after a key, an id, or both.
type cursor struct {
	list byte // 0: the beginning of both lists
	id   uuid.UUID
	key  string
}

func (c cursor) String() string {
	return base64.RawURLEncoding.EncodeToString(append(append([]byte{c.list}, c.id[:]...), c.key...))
}

func parseCursor(s string) cursor {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(raw) < 1+len(uuid.UUID{}) || raw[0] != listPeople && raw[0] != listDevices || len(raw) > 4*maxSearch {
		return cursor{}
	}
	c := cursor{list: raw[0], id: uuid.UUID(raw[1:17]), key: string(raw[17:])}
	if auth.ProblemWithText(c.key, maxSearch) != "" {
		return cursor{}
	}
	return c
}

func (f *Result) endPeople() {
	if len(f.People) > page {
		f.People = f.People[:page]
		f.MorePeople = cursor{list: listPeople, key: f.People[page-1].EmailKey}.String()
	}
}

func (f *Result) endDevices() {
	if len(f.Devices) > page {
		f.Devices = f.Devices[:page]
		last := f.Devices[page-1].Device
		f.MoreDevices = cursor{list: listDevices, id: last.ID, key: last.NameKey}.String()
	}
}
