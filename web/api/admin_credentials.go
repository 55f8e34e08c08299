package api

import (
	"net/http"
	"time"

	"github.com/google/uuid"

	"latchkey/auth/operator"
	"latchkey/models"
	"latchkey/web/wire"
)

// AdminPasswordReset mails a link to choose a new password.
func (s *Server) AdminPasswordReset(w http.ResponseWriter, r *http.Request, by operator.Backend) error {
	return done(w, by.SendPasswordReset(r.Context(), r.PathValue("id")))
}

// AdminPasswordChange makes the owner choose another password at the next sign-in.
func (s *Server) AdminPasswordChange(w http.ResponseWriter, r *http.Request, by operator.Backend) error {
	return done(w, by.RequirePasswordChange(r.Context(), r.PathValue("id")))
}

// adminFactor is a factor as a backend sees it.
type adminFactor struct {
	ID        uuid.UUID         `json:"id"`
	Kind      models.FactorKind `json:"kind"`
	Name      string            `json:"name"`
	CreatedAt time.Time         `json:"created_at"`
	UsedAt    *time.Time        `json:"used_at"`
}

// AdminFactors lists the factors of an account.
func (s *Server) AdminFactors(w http.ResponseWriter, r *http.Request, by operator.Backend) error {
	list, err := by.Factors(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	answer := page[adminFactor]{Items: []adminFactor{}}
	for _, f := range list {
		answer.Items = append(answer.Items, adminFactor{f.ID, f.Kind, f.Name, f.CreatedAt, f.UsedAt})
	}
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, answer)
}

// AdminFactorsReset removes all factors of an account.
func (s *Server) AdminFactorsReset(w http.ResponseWriter, r *http.Request, by operator.Backend) error {
	return done(w, by.ResetFactors(r.Context(), r.PathValue("id")))
}
