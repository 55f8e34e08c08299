package api

import (
	"net/http"

	"latchkey/auth/operator"
	"latchkey/web/wire"
)

// AdminDevices lists the live devices of an account.
func (s *Server) AdminDevices(w http.ResponseWriter, r *http.Request, by operator.Backend) error {
	list, err := by.Devices(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	answer := page[Device]{Items: []Device{}}
	for _, d := range list {
		answer.Items = append(answer.Items, NewDevice(d, false))
	}
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, answer)
}

// AdminDeviceRevoke signs one device of an account out.
func (s *Server) AdminDeviceRevoke(w http.ResponseWriter, r *http.Request, by operator.Backend) error {
	return done(w, by.RevokeDevice(r.Context(), r.PathValue("id"), r.PathValue("device")))
}

// AdminDevicesRevoke signs all devices of an account out.
func (s *Server) AdminDevicesRevoke(w http.ResponseWriter, r *http.Request, by operator.Backend) error {
	n, err := by.RevokeDevices(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, map[string]int64{"revoked": n})
}
