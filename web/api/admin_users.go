package api

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/operator"
	"latchkey/models"
	"latchkey/web/wire"
)

// adminUser is an account as a backend sees it.
type adminUser struct {
	ID            uuid.UUID       `json:"id"`
	Email         string          `json:"email"`
	EmailVerified bool            `json:"email_verified"`
	ExternalID    *string         `json:"external_id"`
	Metadata      json.RawMessage `json:"metadata"`
	Role          string          `json:"role"`
	Disabled      bool            `json:"disabled"`
	Invited       bool            `json:"invited"`
	SecondFactor  bool            `json:"second_factor"`
	MustChoose    bool            `json:"password_change_required"`
	CreatedAt     time.Time       `json:"created_at"`
	UpdatedAt     time.Time       `json:"updated_at"`
}

func newAdminUser(u models.User) adminUser {
	shown := adminUser{
		ID: u.ID, Email: u.Email, EmailVerified: u.Verified(), Metadata: json.RawMessage(`{}`), Role: u.Role, Disabled: u.DisabledAt != nil,
		Invited: u.Invited(), SecondFactor: u.SecondFactor, MustChoose: u.MustChoosePassword(), CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt,
	}
	if u.ExternalID != "" {
		shown.ExternalID = &u.ExternalID
	}
	if u.Metadata != "" {
		shown.Metadata = json.RawMessage(u.Metadata)
	}
	return shown
}

// AdminUsers finds an account by its e-mail address or external id, or lists those that changed since a moment.
func (s *Server) AdminUsers(w http.ResponseWriter, r *http.Request, by operator.Backend) error {
	p, err := wire.DecodeQuery(r, "email", "external_id", "changed_since", "cursor", "limit")
	if err != nil {
		return err
	}
	for _, name := range []string{"email", "external_id"} {
		if text, asked := p[name]; asked && text == "" { // perhaps a variable of the backend's was empty: all accounts are not what it wants
			return auth.InvalidField(name, "This is required.")
		}
	}
	if p["email"] != "" || p["external_id"] != "" {
		return findAdminUser(w, r, by, p)
	}
	from, err := placeOf(p)
	if err != nil {
		return err
	}
	if p["changed_since"] != "" && p["cursor"] == "" {
		since, err := time.Parse(time.RFC3339, p["changed_since"])
		if err != nil {
			return auth.InvalidField("changed_since", "This must be a time such as 2026-11-29T18:00:00Z.")
		}
		from.at = since.UTC()
	}
	list, err := by.Changed(r.Context(), models.UserCursor{UpdatedAt: from.at, ID: from.id}, from.limit)
	if err != nil {
		return err
	}
	answer := page[adminUser]{Items: []adminUser{}}
	for _, u := range list {
		answer.Items = append(answer.Items, newAdminUser(u))
	}
	if len(list) == from.limit {
		last := list[len(list)-1]
		answer.Next = cursorAt(last.UpdatedAt, last.ID)
	}
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, answer)
}

func findAdminUser(w http.ResponseWriter, r *http.Request, by operator.Backend, p wire.Params) error {
	if p["email"] != "" && p["external_id"] != "" {
		return auth.InvalidField("external_id", "Look for an e-mail address or for an external_id, not for both.")
	}
	find, what := by.FindByEmail, p["email"]
	if what == "" {
		find, what = by.FindByExternalID, p["external_id"]
	}
	answer := page[adminUser]{Items: []adminUser{}}
	u, err := find(r.Context(), what)
	switch {
	case err == nil:
		answer.Items = append(answer.Items, newAdminUser(u))
	case auth.AsError(err).Kind != auth.KindNotFound:
		return err
	}
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, answer)
}

// AdminUserCreate creates an account. With a password it takes the scope credentials:write, too.
func (s *Server) AdminUserCreate(w http.ResponseWriter, r *http.Request, by operator.Backend) error {
	var body struct {
		Email         string          `json:"email"`
		EmailVerified bool            `json:"email_verified"`
		Password      string          `json:"password"`
		Invite        bool            `json:"invite"`
		ExternalID    string          `json:"external_id"`
		Metadata      json.RawMessage `json:"metadata"`
	}
	if err := wire.DecodeStrict(r, &body); err != nil {
		return err
	}
	u, err := by.Create(r.Context(), operator.NewUser{
		Email: body.Email, EmailVerified: body.EmailVerified, Password: body.Password, Invite: body.Invite, ExternalID: body.ExternalID, Metadata: body.Metadata,
	}, r.Header.Get("Idempotency-Key"))
	if err != nil {
		return err
	}
	w.Header().Set("Location", s.base+"/api/admin/users/"+u.ID.String())
	return wire.WriteJSON(w, http.StatusCreated, wire.JSONType, newAdminUser(u))
}
