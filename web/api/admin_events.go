package api

import (
	"net/http"

	"latchkey/auth/operator"
	"latchkey/auth/webhook"
	"latchkey/models"
	"latchkey/web/wire"
)

// AdminEvents lists what happened to all accounts, oldest first. There is always a next cursor, from which a later request goes on.
func (s *Server) AdminEvents(w http.ResponseWriter, r *http.Request, by operator.Backend) error {
	p, err := wire.DecodeQuery(r, "cursor", "limit")
	if err != nil {
		return err
	}
	from, err := placeOf(p)
	if err != nil {
		return err
	}
	list, next, err := by.Events(r.Context(), models.EventCursor{At: from.at, ID: from.id}, from.limit)
	if err != nil {
		return err
	}
	answer := page[webhook.Event]{Items: []webhook.Event{}}
	for _, e := range list {
		answer.Items = append(answer.Items, webhook.NewEvent(e))
	}
	answer.Next = cursorAt(next.At, next.ID)
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, answer)
}
