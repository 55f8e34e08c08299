// Package web speaks HTTP: it parses a request once, makes one call to auth, and renders. It decides nothing. Every
// route stands in routes.go, every answer to an error in errors.go.
package web
