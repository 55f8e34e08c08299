package views

import "strings"

// FactorsRemoved says in a sentence which factors an act removed beside what it is for: "2 passkeys and the recovery codes were
// removed." It returns "" for none.
func FactorsRemoved(passkeys int, app, codes bool) string {
	var list []string
	if passkeys > 0 {
		list = append(list, count(passkeys, "passkey"))
	}
	if app {
		list = append(list, "the authenticator app")
	}
	if codes {
		list = append(list, "the recovery codes")
	}
	were := " were removed."
	if len(list) == 1 && passkeys < 2 && !codes {
		were = " was removed."
	}
	switch len(list) {
	case 0:
		return ""
	case 1:
		return capital(list[0]) + were
	}
	last := len(list) - 1
	return capital(strings.Join(list[:last], ", ")+" and "+list[last]) + were
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
