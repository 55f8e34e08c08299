package webhook

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"latchkey/models"
)

// types are the types of message by the kind of their event. They are part of the API: they may be added to, never renamed.
var types = map[models.EventKind]string{
	models.EventAccountCreated: "user.created", models.EventInvited: "user.invited", models.EventDisabled: "user.disabled", models.EventEnabled: "user.enabled",
	models.EventAccountDeleted: "user.deleted", models.EventDetailsChanged: "user.changed", models.EventRoleChanged: "user.role_changed",
	models.EventLanguageChanged: "user.language_changed", models.EventDataDownloaded: "user.data_downloaded", models.EventLocked: "user.locked",

	models.EventEmailAsked: "email.change_asked", models.EventEmailCancelled: "email.change_cancelled", models.EventEmailChanged: "email.changed",
	models.EventEmailRestored: "email.restored", models.EventWaysBackEnded: "email.ways_back_ended", models.EventMailFailed: "email.failed",

	models.EventSignIn: "device.signed_in", models.EventSignOut: "device.signed_out", models.EventDeviceRevoked: "device.revoked", models.EventDevicesRevoked: "devices.revoked",
	models.EventIncident:            "devices.revoked_incident",
	models.EventDevicesRevokedSince: "devices.revoked_since",
	models.EventDeviceRenamed:       "device.renamed", models.EventDeviceReused: "device.copied", models.EventDeviceForked: "device.forked",
	models.EventDeviceRestored: "device.restored", models.EventDeviceReplaced: "device.replaced", models.EventInstallationShared: "device.installation_shared", models.EventConfirmed: "device.confirmed",
	models.EventBrowserTrusted: "browser.trusted", models.EventBrowserUntrusted: "browser.untrusted",

	models.EventSignInFailed: "sign_in.failed", models.EventCodeFailed: "sign_in.code_failed", models.EventSecondStepMissed: "sign_in.second_step_missed",
	models.EventPasswordChanged: "password.changed", models.EventPasswordReset: "password.reset", models.EventPasswordFailed: "password.failed",
	models.EventResetSent: "password.reset_sent", models.EventPasswordChangeRequired: "password.change_required", models.EventPasswordDropped: "password.dropped",

	models.EventFactorAdded: "factor.added", models.EventFactorRemoved: "factor.removed", models.EventFactorRenamed: "factor.renamed",
	models.EventFactorClosed: "factor.closed", models.EventFactorsReset: "factors.reset",
	models.EventRecoveryCodesMade: "recovery_codes.made", models.EventRecoveryCodeUsed: "recovery_codes.used",

	models.EventSupportSearched: "support.searched", models.EventSupportLooked: "support.looked", models.EventSeenBySupport: "user.seen_by_support",
}

// testType is the type of the message that Test sends.
const testType = "webhook.test"

// TypeOf returns the type of message that tells of a kind of event.
func TypeOf(kind models.EventKind) string { return types[kind] }

// Types are all types, in the order in which the documentation names their kinds.
func Types() (list []string) {
	for _, kind := range models.EventKinds {
		list = append(list, types[kind])
	}
	return list
}

// kindOf returns the kind of event of a type.
func kindOf(name string) (models.EventKind, bool) {
	for kind, t := range types {
		if t == name {
			return kind, true
		}
	}
	return "", false
}

// Event is an event as the operator's systems read it, here and in the feed of events.
type Event struct {
	ID         uuid.UUID        `json:"id"`
	At         time.Time        `json:"at"`
	Kind       models.EventKind `json:"kind"`
	UserID     uuid.UUID        `json:"user_id"`
	DeviceID   *uuid.UUID       `json:"device_id"`
	DeviceName string           `json:"device_name"`
	Actor      string           `json:"actor"`
	ClientID   string           `json:"actor_client_id"`
	IP         string           `json:"ip"`
	UserAgent  string           `json:"user_agent"`
	Detail     string           `json:"detail"`
	Count      int64            `json:"count"` // of the acts that it stands for
}

// actorClient is the actor of what a client did for the operator.
const actorClient = "client"

// ofAccount are kinds of act on a whole account. Their event keeps the app that acted for the person's own activity. The operator's systems
// read device_id as the device that an event is about: in a devices.revoked it would be the one that stays signed in.
var ofAccount = []models.EventKind{models.EventDevicesRevoked, models.EventPasswordChanged, models.EventEmailAsked}

// NewEvent returns an event for the operator's systems.
func NewEvent(e models.Event) Event {
	shown := Event{
		ID: e.ID, At: e.At.UTC(), Kind: e.Kind, UserID: e.UserID, DeviceName: e.DeviceName, Actor: e.Actor, ClientID: e.ActorClient, IP: e.IP, UserAgent: e.UserAgent,
		Detail: e.Detail, Count: e.More + 1,
	}
	if e.Kind == models.EventSupportSearched { // what was searched for is mostly an e-mail address, perhaps of a person without an account
		shown.Detail = ""
	}
	if e.ActorClient != "" {
		shown.Actor = actorClient
	}
	if slices.Contains(ofAccount, e.Kind) {
		shown.DeviceName = ""
	} else if e.DeviceID.Valid {
		shown.DeviceID = &e.DeviceID.UUID
	}
	return shown
}
