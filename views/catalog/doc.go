// Package catalog holds every sentence that people read, in every language, and chooses the words.
//
// There is one file a language, in the format "go-i18n v2 JSON" that translators' tools such as Weblate read. en.json is the
// source: `go generate` makes a typed method of [Printer] for each of its messages (messages.go). A message is a string, or an
// object with a form for each plural category of CLDR (one, few, other, …) and, in en.json, a description for translators:
//
//	"devices.title": "Devices"
//	"devices.signed_out": {"description": "A notice.", "one": "Signed out {count} device.", "other": "Signed out {count} devices."}
//
// In a text stand
//
//   - {x}: a value. Which kind of value it is, its name says (see placeholders): {count} is the number that chooses the plural
//     form; {date} and its like are words of ours; {device}, {email} and their like are other people's words, which pages
//     show isolated, so that they cannot turn the sentence around; {brand} is what the operator calls the service, which the
//     printer knows (see [Printer.Named]);
//   - <x>…</x>: a part that the page makes a link, emphasis or code of;
//   - <x/>: a place where the page puts something, such as a <time>.
//
// The method of a message takes these in the order in which the English names them, the count first. It returns a string; a
// [Sentence] where other people's words are part of it; a templ.Component where there is a tag. Nothing of a message is ever
// written as HTML: all text is escaped.
//
// Messages under "errors." have no method: they are the sentences of auth's errors, and [Printer.Error] finds them by the
// English.
package catalog

//go:generate go run ./gen
