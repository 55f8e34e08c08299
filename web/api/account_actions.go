package api

import (
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"latchkey/auth"
)

// AccountPath is the path of account_management_uri, which leads people from apps to the pages of their account (MSC4191 of Matrix, and section
// OAuth 2.0 API of its Client-Server API v1.18).
const AccountPath = "/account"

// accountActions has the page of each value of action. What stands in braces is the device that device_id names. The actions with "session" are
// those of earlier drafts, which apps still send.
var accountActions = map[string]string{
	"org.matrix.profile":            "/security",
	"org.matrix.devices_list":       "/devices",
	"org.matrix.device_view":        "/devices/{device}",
	"org.matrix.device_delete":      "/devices/{device}/revoke",
	"org.matrix.account_deactivate": "/security/delete",
	"org.matrix.sessions_list":      "/devices",
	"org.matrix.session_view":       "/devices/{device}",
	"org.matrix.session_end":        "/devices/{device}/revoke",
}

// AccountActions are the values of action that lead to a page of their own.
var AccountActions = slices.Sorted(maps.Keys(accountActions))

// AccountPage returns the path of the page for an action: the list of devices for one that is unknown, and where the action needs a device and
// none is named. It returns KindNotFound for a text that is not the id of a device. A page asks before it changes anything, as for people
// who come there by themselves.
func AccountPage(action, device string) (string, error) {
	page, known := accountActions[action]
	if !known {
		return "/devices", nil
	}
	before, after, one := strings.Cut(page, "{device}")
	switch {
	case !one:
		return page, nil
	case device == "":
		return "/devices", nil
	}
	id, err := uuid.Parse(device)
	if err != nil { // the page of another name, such as /devices/revoke-others, is no device's
		return "", &auth.Error{Kind: auth.KindNotFound, Message: "We can’t find this device.", Cause: err}
	}
	return before + id.String() + after, nil
}
