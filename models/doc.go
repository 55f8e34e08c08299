// Package models holds the tables and all queries, for SQLite and PostgreSQL. It is the only package that imports gorm. Errors of
// the drivers leave it as the kinds in errors.go.
//
// Every method keeps these rules:
//
//   - A read stops when its context ends. A write does not, but ends within five seconds, so that a client that hangs up does not leave
//     the outcome unknown.
//   - A state change is one conditional UPDATE, and the rows that it returns or counts decide what happened.
//   - Changes that belong together share one transaction, and their event is part of it.
//   - Times are in UTC with microseconds on both databases.
//   - Transactions that lock several rows lock the users row first, and rows of one kind in the order of their keys.
package models
