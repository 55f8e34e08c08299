package api

import (
	"latchkey/auth"
	"latchkey/web/wire"
)

// installationOf is what an app that signs in sends about the phone that it is on.
func installationOf(p wire.Params) auth.SentInstallation {
	return auth.SentInstallation{ID: p["installation_id"], OldToken: p["old_refresh_token"]}
}
