package web

import (
	"latchkey/models"
	"latchkey/views/catalog"
)

// ofDevice is for a kind whose sentence names the device, or the factor, which stands in its place.
func ofDevice(say func(catalog.Printer, string) catalog.Sentence) eventSentence {
	return func(p catalog.Printer, e models.Event) catalog.Sentence { return say(p, e.DeviceName) }
}

// ofDetail is for a kind whose sentence repeats the detail.
func ofDetail(say func(catalog.Printer, string) catalog.Sentence) eventSentence {
	return func(p catalog.Printer, e models.Event) catalog.Sentence { return say(p, e.Detail) }
}

// onItsOwn is for a kind whose sentence is always the same.
func onItsOwn(say func(catalog.Printer) string) eventSentence {
	return func(p catalog.Printer, _ models.Event) catalog.Sentence { return catalog.Sentence{Text: say(p)} }
}

// several is for a kind whose events may stand for many. Events of earlier releases stand for one each.
func several(one func(catalog.Printer) string, more func(catalog.Printer, int) string) eventSentence {
	return func(p catalog.Printer, e models.Event) catalog.Sentence {
		if e.More > 0 {
			return catalog.Sentence{Text: more(p, 1+int(e.More))}
		}
		return catalog.Sentence{Text: one(p)}
	}
}

// counting is a sentence that says how many an event stands for.
func counting(say func(catalog.Printer, int) string) eventSentence {
	return func(p catalog.Printer, e models.Event) catalog.Sentence {
		return catalog.Sentence{Text: say(p, 1+int(e.More))}
	}
}

// severalOfDetail is several for a kind whose sentences repeat the detail.
func severalOfDetail(one func(catalog.Printer, string) catalog.Sentence, more func(catalog.Printer, int, string) catalog.Sentence) eventSentence {
	return func(p catalog.Printer, e models.Event) catalog.Sentence {
		if e.More > 0 {
			return more(p, 1+int(e.More), e.Detail)
		}
		return one(p, e.Detail)
	}
}

// withDetail is one sentence for the events that have this detail, and another for the others.
func withDetail(detail string, say, otherwise eventSentence) eventSentence {
	return func(p catalog.Printer, e models.Event) catalog.Sentence {
		if e.Detail == detail {
			return say(p, e)
		}
		return otherwise(p, e)
	}
}

// byActor is one sentence for what this actor did, and another for what others did.
func byActor(actor string, say, otherwise eventSentence) eventSentence {
	return func(p catalog.Printer, e models.Event) catalog.Sentence {
		if e.Actor == actor {
			return say(p, e)
		}
		return otherwise(p, e)
	}
}

// ofFactor is one sentence for a passkey, one for an authenticator app, and one for what a later release may add.
func ofFactor(passkey, app, otherwise eventSentence) eventSentence {
	return func(p catalog.Printer, e models.Event) catalog.Sentence {
		switch models.FactorKind(e.Detail) {
		case models.FactorPasskey:
			return passkey(p, e)
		case models.FactorTOTP:
			return app(p, e)
		default:
			return otherwise(p, e)
		}
	}
}

// orFactorsGone is for a kind whose event may stand for several factors that an act removed in passing.
func orFactorsGone(one eventSentence) eventSentence {
	return func(p catalog.Printer, e models.Event) catalog.Sentence {
		if g, ok := models.ParseFactorsGone(e.Detail); ok && !g.None() {
			return catalog.Sentence{Text: factorsGone(p, g)}
		}
		return one(p, e)
	}
}

func factorsGone(p catalog.Printer, g models.FactorsGone) string {
	switch some := g.Passkeys > 0; {
	case some && g.App && g.Codes:
		return p.EventThiefPasskeysAppCodes(g.Passkeys)
	case some && g.App:
		return p.EventThiefPasskeysApp(g.Passkeys)
	case some && g.Codes:
		return p.EventThiefPasskeysCodes(g.Passkeys)
	case some:
		return p.EventThiefPasskeys(g.Passkeys)
	case g.App && g.Codes:
		return p.EventThiefAppCodes()
	case g.App:
		return p.EventThiefApp()
	}
	return p.EventThiefCodes()
}
