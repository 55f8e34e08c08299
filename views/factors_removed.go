package views

import "latchkey/views/catalog"

// FactorsRemoved says in a sentence which factors an act removed beside what it is for: "2 passkeys and the recovery codes were
// removed." It returns "" for none.
func FactorsRemoved(p catalog.Printer, passkeys int, app, codes bool) string {
	switch {
	case passkeys > 0 && app && codes:
		return p.RemovedPasskeysAppCodes(passkeys)
	case passkeys > 0 && app:
		return p.RemovedPasskeysApp(passkeys)
	case passkeys > 0 && codes:
		return p.RemovedPasskeysCodes(passkeys)
	case passkeys > 0:
		return p.RemovedPasskeys(passkeys)
	case app && codes:
		return p.RemovedAppCodes()
	case app:
		return p.RemovedApp()
	case codes:
		return p.RemovedCodes()
	}
	return ""
}
