package views

import "latchkey/views/catalog"

// FactorsRemoved says in a sentence which factors an act removed beside what it is for: "2 passkeys and the recovery codes were
// removed." It returns "" for none.
func FactorsRemoved(p catalog.Printer, passkeys int, app, codes bool) string {
	some := passkeys > 0
	switch {
	case some && app && codes:
		return p.FactorsRemovedAll(passkeys)
	case some && app:
		return p.FactorsRemovedPasskeysApp(passkeys)
	case some && codes:
		return p.FactorsRemovedPasskeysCodes(passkeys)
	case app && codes:
		return p.FactorsRemovedAppCodes()
	case some:
		return p.FactorsRemovedPasskeys(passkeys)
	case app:
		return p.FactorsRemovedApp()
	case codes:
		return p.FactorsRemovedCodes()
	}
	return ""
}
