package device

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"latchkey/auth/browser"
	"latchkey/auth/token"
	"latchkey/models"
)

// activityPage is how many events one page shows.
const activityPage = 50

// The filters of the activity.
const (
	FilterWarnings = "warnings"
	FilterSignIns  = "sign-ins"
	FilterDevices  = "devices"
	FilterAccount  = "account"
	FilterSupport  = "support"
)

// activityKinds maps each filter to the events that it selects.
var activityKinds = map[string][]models.EventFilter{
	FilterWarnings: {
		{Kind: models.EventDeviceReused}, {Kind: models.EventDeviceForked, Detail: token.ForkWarnDetail},
		{Kind: models.EventSignInFailed}, {Kind: models.EventPasswordFailed},
		{Kind: models.EventLocked}, {Kind: models.EventIncident}, {Kind: models.EventMailFailed},
		{Kind: models.EventEmailRestored},
		{Kind: models.EventCodeFailed}, {Kind: models.EventSecondStepMissed}, {Kind: models.EventFactorClosed},
		{Kind: models.EventRecoveryCodeUsed},
	},
	FilterSignIns: signInEvents,
	FilterDevices: deviceEvents,
	FilterAccount: accountEvents(),
	FilterSupport: {{Kind: models.EventSeenBySupport}, {Kind: models.EventSupportLooked}, {Kind: models.EventSupportSearched}},
}

var signInEvents = []models.EventFilter{
	{Kind: models.EventSignIn}, {Kind: models.EventSignInFailed}, {Kind: models.EventSignOut},
	{Kind: models.EventCodeFailed}, {Kind: models.EventSecondStepMissed}, {Kind: models.EventRecoveryCodeUsed}, {Kind: models.EventConfirmed},
}

var deviceEvents = []models.EventFilter{
	{Kind: models.EventDeviceRevoked}, {Kind: models.EventDevicesRevoked}, {Kind: models.EventDevicesRevokedSince}, {Kind: models.EventIncident}, {Kind: models.EventDeviceRenamed},
	{Kind: models.EventDeviceReused}, {Kind: models.EventDeviceForked}, {Kind: models.EventDeviceRestored}, {Kind: models.EventDeviceReplaced}, {Kind: models.EventInstallationShared},
	{Kind: models.EventBrowserTrusted}, {Kind: models.EventBrowserUntrusted},
}

// accountEvents returns the events about the account: all that are about neither sign-ins nor devices.
func accountEvents() (list []models.EventFilter) {
	for _, kind := range models.EventKinds {
		if e := (models.EventFilter{Kind: kind}); !slices.Contains(signInEvents, e) && !slices.Contains(deviceEvents, e) {
			list = append(list, e)
		}
	}
	return list
}

// ActivityFilter returns name if it names a filter, and "" otherwise.
func ActivityFilter(name string) string {
	if _, ok := activityKinds[name]; ok {
		return name
	}
	return ""
}

// Warnings returns filters for the events that need the owner's attention.
func Warnings() []models.EventFilter { return slices.Clone(activityKinds[FilterWarnings]) }

// Alarming reports whether an event needs its owner's attention: whether it is one of Warnings.
func Alarming(e models.Event) bool {
	return slices.ContainsFunc(activityKinds[FilterWarnings], func(k models.EventFilter) bool {
		return e.Kind == k.Kind && (k.Detail == "" || e.Detail == k.Detail)
	})
}

// Activity returns a page of the person's events, newest first, and the cursor of the next page, or "" on the last page. It
// starts after the given cursor; if that is "" or invalid, it starts at the newest event. A filter that is "" or unknown shows
// all events.
func (s *Service) Activity(ctx context.Context, by *browser.Session, filter, cursor string) (list []models.Event, next string, err error) {
	return s.EventsOf(ctx, by.User.ID, filter, cursor)
}

// EventsOf is Activity for any account.
func (s *Service) EventsOf(ctx context.Context, user uuid.UUID, filter, cursor string) (list []models.Event, next string, err error) {
	if kinds := activityKinds[filter]; kinds != nil {
		list, err = s.store.EventsOfKinds(ctx, user, kinds, parseCursor(cursor), activityPage+1)
	} else {
		list, err = s.store.Events(ctx, user, parseCursor(cursor), activityPage+1)
	}
	list, next = cutPage(list)
	return list, next, err
}

// cutPage cuts list to one page and returns the cursor of the next page, or "" on the last page.
func cutPage(list []models.Event) (page []models.Event, next string) {
	if len(list) <= activityPage {
		return list, ""
	}
	list = list[:activityPage]
	last := list[activityPage-1]
	return list, fmt.Sprintf("%d-%s", last.At.UnixMicro(), last.ID)
}

// Kept returns the ids of the devices that the events are about and that are still stored. Those devices still have a page.
func (s *Service) Kept(ctx context.Context, by *browser.Session, events []models.Event) (map[uuid.UUID]bool, error) {
	ids := map[uuid.UUID]bool{}
	for _, e := range events {
		if e.DeviceID.Valid {
			ids[e.DeviceID.UUID] = true
		}
	}
	kept, err := s.store.KeptDevices(ctx, by.User.ID, slices.Collect(maps.Keys(ids)))
	clear(ids)
	for _, id := range kept {
		ids[id] = true
	}
	return ids, err
}

func parseCursor(s string) models.EventCursor {
	micros, id, _ := strings.Cut(s, "-")
	at, err := strconv.ParseInt(micros, 10, 64)
	parsed, idErr := uuid.Parse(id)
	if err != nil || idErr != nil || at <= 0 || at > 1<<52 {
		return models.EventCursor{}
	}
	return models.EventCursor{At: time.UnixMicro(at).UTC(), ID: parsed}
}
