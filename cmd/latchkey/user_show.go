package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"latchkey/auth/services"
	"latchkey/models"
)

type userShow struct {
	Email string `arg:"" help:"E-mail address."`
	JSON  bool   `name:"json" help:"As one JSON object."`
}

// Run shows an account, its factors and its live devices.
func (c *userShow) Run(env *environment) error {
	return env.withServices(func(s *services.Services) error {
		shown, err := s.Operator.Show(env.ctx, c.Email)
		if err != nil {
			return err
		}
		u := shown.User
		if c.JSON {
			return json.NewEncoder(env.stdout).Encode(userObject(u, shown.Factors, shown.Devices))
		}
		rows := [][2]string{
			{"Id", u.ID.String()}, {"E-mail", u.Email + map[bool]string{false: " (not verified)"}[u.Verified()]}, {"Role", u.Role},
			{"State", stateOf(u)}, {"Created", u.CreatedAt.UTC().Format(time.DateTime) + " UTC"},
		}
		for _, optional := range [][2]string{{"External id", u.ExternalID}, {"Metadata", u.Metadata}, {"Language", u.Language}} {
			if optional[1] != "" {
				rows = append(rows, [2]string{optional[0], printable(optional[1])})
			}
		}
		if u.LockedAt != nil {
			rows = append(rows, [2]string{"Password", "locked until its owner chooses another"})
		}
		for _, row := range rows {
			fmt.Fprintf(env.stdout, "%-12s %s\n", row[0], row[1])
		}
		for _, f := range shown.Factors {
			fmt.Fprintf(env.stdout, "%-12s %s %s\n", "Factor", f.Kind, f.Name)
		}
		for _, d := range shown.Devices {
			fmt.Fprintf(env.stdout, "%-12s %s, %s, last active %s UTC, %s\n", "Device", d.Name, d.Kind, d.LastSeenAt.UTC().Format(time.DateTime), d.ID)
		}
		return nil
	})
}

// printable is a text that a client wrote, without what a terminal obeys or what turns other text around.
func printable(text string) string {
	quoted := strconv.Quote(text)
	if quoted = quoted[1 : len(quoted)-1]; strings.ReplaceAll(quoted, `\"`, `"`) == text {
		return text
	}
	return quoted
}

// stateOf is a word for an account's state.
func stateOf(u models.User) string {
	switch {
	case u.DisabledAt != nil:
		return "disabled"
	case u.Invited():
		return "invited"
	}
	return "active"
}

// userObject is an account as JSON, with the names of the API for backends.
func userObject(u models.User, factors []models.Factor, devices []models.Device) map[string]any {
	object := map[string]any{
		"id": u.ID, "email": u.Email, "email_verified": u.Verified(), "role": u.Role, "created_at": u.CreatedAt, "updated_at": u.UpdatedAt,
		"disabled_at": u.DisabledAt, "invited": u.Invited(), "second_factor": u.SecondFactor, "external_id": u.ExternalID,
	}
	if u.Metadata != "" {
		object["metadata"] = json.RawMessage(u.Metadata)
	}
	list := make([]map[string]any, 0, len(factors))
	for _, f := range factors {
		list = append(list, map[string]any{"id": f.ID, "kind": f.Kind, "name": f.Name, "created_at": f.CreatedAt, "used_at": f.UsedAt})
	}
	object["factors"] = list
	live := make([]map[string]any, 0, len(devices))
	for _, d := range devices {
		live = append(live, map[string]any{
			"id": d.ID, "name": d.Name, "kind": d.Kind, "client_id": d.ClientID, "created_at": d.CreatedAt, "last_seen_at": d.LastSeenAt, "last_ip": d.LastIP, "expires_at": d.ExpiresAt,
		})
	}
	object["devices"] = live
	return object
}

type userDelete struct {
	Email string `arg:"" help:"E-mail address."`
	Yes   bool   `help:"Delete it; without this nothing happens."`
}

// Run deletes an account.
func (c *userDelete) Run(env *environment) error {
	if !c.Yes {
		return usageError{"user delete cannot be undone: give --yes as well"}
	}
	return env.withServices(func(s *services.Services) error {
		if err := s.Operator.Delete(env.ctx, c.Email); err != nil {
			return err
		}
		fmt.Fprintf(env.stdout, "Deleted %s.\n", c.Email)
		return nil
	})
}
