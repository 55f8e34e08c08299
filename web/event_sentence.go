package web

import (
	"latchkey/models"
	"latchkey/views/catalog"
)

// eventSentences say the kinds of event in the reader's language.
var eventSentences = map[models.EventKind]func(catalog.Printer, models.Event) catalog.Sentence{
	models.EventSignIn: ofDevice(catalog.Printer.EventSignIn),
	models.EventDeviceRevoked: func(p catalog.Printer, e models.Event) catalog.Sentence {
		if e.Detail == string(models.RevokedByLimit) {
			return p.EventDeviceLimit(e.DeviceName)
		}
		return p.EventDeviceRevoked(e.DeviceName)
	},
	models.EventDeviceRenamed: func(p catalog.Printer, e models.Event) catalog.Sentence {
		return p.EventDeviceRenamed(e.DeviceName, e.Detail)
	},
	models.EventAccountCreated: onItsOwn(catalog.Printer.EventAccountCreated),
}

// ofDevice is for a kind whose sentence names the device.
func ofDevice(say func(catalog.Printer, string) catalog.Sentence) func(catalog.Printer, models.Event) catalog.Sentence {
	return func(p catalog.Printer, e models.Event) catalog.Sentence { return say(p, e.DeviceName) }
}

// onItsOwn is for a kind whose sentence is always the same.
func onItsOwn(say func(catalog.Printer) string) func(catalog.Printer, models.Event) catalog.Sentence {
	return func(p catalog.Printer, _ models.Event) catalog.Sentence { return catalog.Sentence{Text: say(p)} }
}

// sentence says an event, whose kind may come from a later release.
func sentence(p catalog.Printer, e models.Event) catalog.Sentence {
	if say, ok := eventSentences[e.Kind]; ok {
		return say(p, e)
	}
	text, names := englishSentence(e)
	return catalog.Sentence{Text: text, Names: names}
}
