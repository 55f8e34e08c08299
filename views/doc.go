// Package views draws the portal's pages. Each page is a templ component that takes
// its own struct, shaped like the screen (pages.go), and knows nothing of the rest of
// the program; it decides only how things are said.
//
// Pages work without JavaScript and under a content security policy that allows
// neither inline styles nor inline scripts: no style attributes here. Device names,
// user agents and addresses are hostile: templ escapes them, and <bdi> keeps a
// right-to-left name from turning the text around it.
//
// Every sentence comes from the catalogue (package catalog), in the language of the context: { say(ctx).DevicesTitle() }. The support
// desk and the manual for developers are in English.
//
// Lists without markers have list-style-type: "" in app.css, never none, for which Safari takes them for no lists.
package views
