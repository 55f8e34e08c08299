package api

import (
	"encoding/json"
	"net/http"

	"github.com/google/uuid"

	"latchkey/auth/operator"
	"latchkey/auth/transfer"
	"latchkey/web/wire"
)

// adminImported is what became of one record of an import.
type adminImported struct {
	Outcome transfer.Outcome `json:"outcome"`
	UserID  *uuid.UUID       `json:"user_id"`
	Weak    string           `json:"weak"`
	Reason  string           `json:"reason"`
}

// AdminImport imports accounts from another system. It takes the scope credentials:write, too.
func (s *Server) AdminImport(w http.ResponseWriter, r *http.Request, by operator.Backend) error {
	var body struct {
		Users      []json.RawMessage `json:"users"`
		AcceptWeak bool              `json:"accept_weak"`
		DryRun     bool              `json:"dry_run"`
	}
	if err := wire.DecodeStrict(r, &body); err != nil {
		return err
	}
	results, err := by.Import(r.Context(), body.Users, body.AcceptWeak, body.DryRun)
	if err != nil {
		return err
	}
	answer := map[string][]adminImported{"results": {}}
	for _, one := range results {
		shown := adminImported{Outcome: one.Outcome, Weak: one.Weak, Reason: one.Reason}
		if one.UserID != uuid.Nil {
			shown.UserID = &one.UserID
		}
		answer["results"] = append(answer["results"], shown)
	}
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, answer)
}
