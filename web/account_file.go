package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"latchkey/auth/export"
	"latchkey/models"
	"latchkey/web/api"
)

// The file with an account's data: /docs describes it. Members may be added to a version, never changed or taken away.
const (
	dataFormat  = "latchkey account data"
	dataVersion = 1
)

type dataHead struct {
	Format     string      `json:"format"`
	Version    int         `json:"version"`
	ExportedAt time.Time   `json:"exported_at"`
	Profile    dataProfile `json:"profile"`
}

type dataProfile struct {
	Subject           uuid.UUID `json:"sub"`
	Email             string    `json:"email"`
	EmailVerified     bool      `json:"email_verified"` // the owner has opened a link that was mailed to it
	Role              string    `json:"role"`
	CreatedAt         time.Time `json:"created_at"`
	PasswordChangedAt time.Time `json:"password_changed_at"`
	Language          string    `json:"language"` // that was chosen for pages and mails; empty: none

	FormerLanguage    string     `json:"former_language"`     // before the latest change; empty: none
	LanguageChangedAt *time.Time `json:"language_changed_at"` // nil: never

	FormerAddresses []dataAddress `json:"former_addresses"`

	// What the operator's backend keeps with the account.
	ExternalID string          `json:"external_id"` // empty: none
	Metadata   json.RawMessage `json:"metadata"`
}

// dataAddress is an address that the account had, and that is kept so that it can be taken back.
type dataAddress struct {
	Email  string    `json:"email"`
	LeftAt time.Time `json:"left_at"`
	Until  time.Time `json:"until"`
}

// dataDevice is a device as the API shows it, and what else is kept of it, but for what signs it in.
type dataDevice struct {
	api.Device
	State        string     `json:"state"` // "live", "revoked", "expired" or "idle"
	CreatedIP    string     `json:"created_ip"`
	RefreshAgent string     `json:"last_user_agent"` // of the latest refresh; empty when unknown
	JKT          string     `json:"jkt"`             // thumbprint of the key that it is bound to; empty when unbound
	RevokedAt    *time.Time `json:"revoked_at"`
	RevokedBy    string     `json:"revoked_by"`
	RevokeReason string     `json:"revoke_reason"` // one of models.EndReasons as it is stored
	ProvedBy     string     `json:"proved_by"`     // a models.SignInMethod: how its owner was verified last
	ProvedAt     time.Time  `json:"proved_at"`
	Scope        string     `json:"scope"` // that was granted to an app that signed in through a browser, with spaces between
}

// dataFactor is a passkey, an authenticator app or a recovery code, but for what signs in.
type dataFactor struct {
	ID        uuid.UUID  `json:"id"`
	Kind      string     `json:"kind"`
	Name      string     `json:"name"`
	CreatedAt time.Time  `json:"created_at"`
	UsedAt    *time.Time `json:"used_at"`
	Synced    bool       `json:"synced"`
	BackedUp  bool       `json:"backed_up"`
}

// dataTrustedBrowser is a browser that signs in without a second step.
type dataTrustedBrowser struct {
	ID        uuid.UUID  `json:"id"`
	Name      string     `json:"name"`
	CreatedAt time.Time  `json:"created_at"`
	CreatedIP string     `json:"created_ip"`
	UsedAt    *time.Time `json:"used_at"`
	UsedIP    string     `json:"used_ip"`
	ExpiresAt time.Time  `json:"expires_at"`
}

type dataEvent struct {
	At         time.Time     `json:"at"`
	Kind       string        `json:"kind"`
	Actor      string        `json:"actor"`
	DeviceID   *uuid.UUID    `json:"device_id"`
	DeviceName string        `json:"device_name"`
	IP         string        `json:"ip"`
	UserAgent  string        `json:"user_agent"`
	Detail     string        `json:"detail"`
	Times      int64         `json:"times"` // how often it happened: failures in a row share an event, and looks by support
	Reuse      *models.Reuse `json:"reuse"`
	Reason     string        `json:"reason"`          // for a look by support, in the words of the staff member
	Client     string        `json:"actor_client_id"` // through which the operator acted; empty: none
}

// metadataOf is the metadata of an account, an object in any case.
func metadataOf(u models.User) json.RawMessage {
	if u.Metadata == "" {
		return json.RawMessage("{}")
	}
	return json.RawMessage(u.Metadata)
}

// dataFile writes the file part by part, so that no more of it than a part is in memory.
type dataFile struct {
	w       http.ResponseWriter
	control *http.ResponseController
	current uuid.UUID // the device that downloads it
}

func (f *dataFile) write(ctx context.Context, data *export.Data, now time.Time) error {
	u := data.User
	former, err := data.FormerAddresses(ctx)
	if err != nil {
		return err
	}
	addresses := make([]dataAddress, len(former))
	for i, f := range former {
		addresses[i] = dataAddress{Email: f.Email, LeftAt: f.CreatedAt, Until: f.ExpiresAt}
	}
	head, err := json.Marshal(dataHead{dataFormat, dataVersion, now, dataProfile{u.ID, u.Email, u.Verified(), u.Role, u.CreatedAt, u.PasswordChangedAt, u.Language, u.FormerLanguage, u.LanguageChangedAt, addresses, u.ExternalID, metadataOf(u)}})
	if err != nil {
		return fmt.Errorf("encode profile: %w", err)
	}
	if err := f.send(head[:len(head)-1]); err != nil {
		return err
	}
	devices := rows[models.Device]{file: f, shape: func(d models.Device) any {
		_, lastAgent := d.LastRefresh()
		return dataDevice{
			Device: api.NewDevice(d, d.ID == f.current), State: dataState(models.DeviceEnd(d, data.Live, u.Role)), CreatedIP: d.CreatedIP,
			RefreshAgent: lastAgent, JKT: d.JKT,
			RevokedAt: d.RevokedAt, RevokedBy: d.RevokedBy, RevokeReason: string(d.RevokeReason),
			ProvedBy: string(d.ProvedBy), ProvedAt: d.Proved(),
			Scope: d.Scope,
		}
	}}
	events := rows[models.Event]{file: f, shape: func(e models.Event) any {
		var device *uuid.UUID
		if e.DeviceID.Valid {
			device = &e.DeviceID.UUID
		}
		return dataEvent{
			At: e.At, Kind: string(e.Kind), Actor: e.Actor, DeviceID: device, DeviceName: e.DeviceName, IP: e.IP, UserAgent: e.UserAgent,
			Detail: e.Detail, Times: 1 + e.More, Reuse: e.Reuse, Reason: lookReason(e), Client: e.ActorClient,
		}
	}}
	factors := rows[models.Factor]{file: f, shape: func(r models.Factor) any {
		return dataFactor{r.ID, string(r.Kind), r.Name, r.CreatedAt, r.UsedAt, r.Synced, r.BackedUp}
	}}
	browsers := rows[models.TrustedBrowser]{file: f, shape: func(b models.TrustedBrowser) any {
		return dataTrustedBrowser{b.ID, b.Name, b.CreatedAt, b.CreatedIP, b.UsedAt, b.UsedIP, b.ExpiresAt}
	}}
	arrays := map[string]func() error{
		"devices":          func() error { return data.Devices(ctx, devices.write) },
		"factors":          func() error { return factors.writeAll(data.Factors(ctx)) },
		"trusted_browsers": func() error { return browsers.writeAll(data.TrustedBrowsers(ctx)) },
		"events":           func() error { return data.Events(ctx, events.write) },
	}
	for _, table := range models.UserTables {
		write := arrays[table.Exported]
		if write == nil {
			continue // not exported, or in the profile
		}
		if err := f.send([]byte(",\n\"" + table.Exported + "\":[")); err != nil {
			return err
		}
		if err := write(); err != nil {
			return err
		}
		if err := f.send([]byte("\n]")); err != nil {
			return err
		}
	}
	return f.send([]byte("}\n"))
}

// send hands a part on. Its reader has downloadPause to take it.
func (f *dataFile) send(parts ...[]byte) error {
	if err := f.control.SetWriteDeadline(time.Now().Add(downloadPause)); err != nil {
		return fmt.Errorf("extend download: %w", err)
	}
	if _, err := f.w.Write(bytes.Join(parts, nil)); err != nil {
		return fmt.Errorf("write download: %w", err)
	}
	return nil
}

// rows are the elements of one array, each on a line of its own.
type rows[T any] struct {
	file  *dataFile
	shape func(T) any
	begun bool
}

// writeAll is write for an array that was read as a whole.
func (a *rows[T]) writeAll(list []T, err error) error {
	if err != nil {
		return err
	}
	return a.write(list)
}

func (a *rows[T]) write(page []T) error {
	var b bytes.Buffer
	for _, row := range page {
		text, err := json.Marshal(a.shape(row))
		if err != nil {
			return fmt.Errorf("encode row: %w", err)
		}
		if a.begun {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
		b.Write(text)
		a.begun = true
	}
	return a.file.send(b.Bytes())
}
