// Package models holds the tables and every query upon them, for SQLite and PostgreSQL alike. It is the only
// package that knows gorm; driver errors stop here and leave as the kinds of errors.go.
//
// Rules that every method keeps: reads honour the caller's cancellation, writes do not (they end by themselves
// within five seconds, so that a client that hangs up leaves no outcome unknown); a state change is one
// conditional UPDATE judged by what it returns; what must change together shares one transaction, its event
// included. Times are UTC with microseconds on both databases.
package models
