package web

import (
	"cmp"
	"net/http"

	"latchkey/models"
	"latchkey/views"
)

// roomPart is the part of a form that asks which device to sign out, where the account has no place for another device of a client. picked is
// the choice that the form was sent with.
func (s *Server) roomPart(r *http.Request, c models.Client, picked string) (part views.Room, err error) {
	by := request(r).session
	room, err := s.grants.Room(r.Context(), by, c.ID)
	if err != nil || !room.Full {
		return part, err
	}
	part = views.Room{Full: true, App: cmp.Or(c.Name, c.ID), Most: room.Most, OfAll: room.OfAll, More: room.Has > len(room.Devices), Picked: picked}
	for _, d := range room.Devices {
		part.Devices = append(part.Devices, deviceRow(say(r), d, by))
	}
	return part, nil
}
