// Package wire is what the handlers for people (package web) and those for apps (package web/api) share: how a request's body is read,
// what is noted of a request, and with which status and codes an error is answered. It renders nothing.
package wire
