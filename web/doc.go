// Package web speaks HTTP: it parses a request once, makes one call to auth, and renders. It decides nothing.
//
// The handlers here are those of the portal, for people; those for apps, backends and resource servers are in web/api. Every route of
// both stands in routes.go, with its guard. The middleware is here, too. The packages form layers, and each imports only packages of
// lower layers:
//
//	web      routes, guards, middleware; the portal, the support desk, health
//	api      the JSON and OAuth endpoints, the key set, status lists, the description of the API
//	wire     how bodies are read, and with which status and codes an error is answered
//	metrics  what is counted and timed
//
// Only web imports views and static. An error is answered by answerPage (errors.go), or by AnswerProblem or AnswerOAuth
// (api/errors.go); the table of wire/failure.go says with which status.
package web
