package auth

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
)

// activityPage is how many events one page shows.
const activityPage = 50

// Activity lists a page of the person's events, newest first, from the cursor on ("" is the newest end), and the
// cursor of the next page ("" on the last). A cursor that cannot be read starts at the newest end.
func (s *Service) Activity(ctx context.Context, by *Session, cursor string) (list []models.Event, next string, err error) {
	return s.eventsOf(ctx, by.User.ID, cursor)
}

func (s *Service) eventsOf(ctx context.Context, user uuid.UUID, cursor string) (list []models.Event, next string, err error) {
	list, err = s.store.Events(ctx, user, parseCursor(cursor), activityPage+1)
	if err != nil || len(list) <= activityPage {
		return list, "", err
	}
	list = list[:activityPage]
	last := list[activityPage-1]
	return list, fmt.Sprintf("%d-%s", last.At.UnixMicro(), last.ID), nil
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
