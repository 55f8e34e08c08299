package models_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// An error about a statement contains nothing that people typed, although PostgreSQL's messages, details and contexts may, and the
// driver often quotes values that it could not send or read.
func TestNoErrorOfTheDriverTellsAValue(t *testing.T) {
	t.Parallel()
	const canary = "canary@example.org"
	database := modelstest.Postgres(t)
	exec(t, open(t, models.Config{URL: database}), `CREATE TABLE kept (id text PRIMARY KEY, n bigint CHECK (n > 0))`)
	exec(t, open(t, models.Config{URL: database}), `CREATE FUNCTION refuse(what text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not %', what; END $$`)
	for _, mode := range []string{"cache_statement", "cache_describe", "describe_exec", "exec", "simple_protocol"} {
		s := open(t, models.Config{URL: database + "&default_query_exec_mode=" + mode, Conns: 2})
		db := s.Pools()[0]
		for name, c := range map[string]struct {
			sql  string
			args []any
			into any
			says string // besides
		}{
			"an argument that cannot be sent": {"SELECT $1::int", []any{canary}, new(int), ""},
			"one that has no type":            {"SELECT $1::int", []any{struct{ Email string }{canary}}, new(int), ""},
			"a list of them":                  {"SELECT $1::int", []any{[]any{canary, map[string]any{canary: canary}}}, new(int), ""},
			"a text that is no number":        {"SELECT ($1::text)::int", []any{canary}, new(int), "22P02"},
			"a text that is no id":            {"SELECT ($1::text)::uuid", []any{canary}, new(string), "22P02"},
			"a text that is no time":          {"SELECT ($1::text)::timestamptz", []any{canary}, new(string), "22007"},
			"an answer that cannot be read":   {"SELECT $1::text", []any{canary}, new(int), ""},
			"an answer that is no id":         {"SELECT $1::text", []any{canary}, new(uuid.UUID), ""},
			"a taken key":                     {"INSERT INTO kept (id, n) VALUES ($1, 1), ($1, 1) RETURNING n", []any{canary}, new(int), ""},
			"a number out of bounds":          {"INSERT INTO kept (id, n) VALUES ($1, -1) RETURNING n", []any{canary}, new(int), "kept_n_check"},
			"an exception":                    {"SELECT refuse($1::text)", []any{canary}, new(string), "P0001"},
			"too many arguments":              {"SELECT $1::text", []any{canary, canary}, new(string), ""},
			"too few":                         {"SELECT $1::text || $2::text", []any{canary}, new(string), ""},
			"an invalid statement":            {"SELECT '" + canary + "' FROM WHERE '" + canary + "'", nil, new(string), "42601"},
		} {
			err := db.QueryRowContext(t.Context(), c.sql, c.args...).Scan(c.into)
			if err == nil {
				continue // this mode can
			}
			told := models.WrapErr("try", err)
			if text := told.Error(); strings.Contains(text, "canary") || !strings.Contains(text, c.says) || strings.Contains(text, "\n") {
				t.Errorf("%s, %s: %s", mode, name, text)
			}
			if errors.Is(told, models.ErrUnavailable) {
				t.Errorf("%s, %s is worth another try: %v", mode, name, told)
			}
			if name == "a taken key" && !errors.Is(told, models.ErrDuplicate) {
				t.Errorf("%s, %s: %v", mode, name, told)
			}
		}
	}
}

// Refreshes use the driver's own connection, without database/sql, and must not tell values either.
func TestNoErrorOfABatchTellsAValue(t *testing.T) {
	t.Parallel()
	const canary = "canary@example.org"
	s := open(t, models.Config{URL: modelstest.Postgres(t), Conns: 1})
	conn, err := s.Pools()[0].Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, sql := range []string{"SELECT $1::int", "SELECT ($1::text)::int"} {
		err := conn.Raw(func(driver any) error {
			var b pgx.Batch
			b.Queue("SELECT 1")
			b.Queue(sql, canary)
			return driver.(*stdlib.Conn).Conn().SendBatch(context.Background(), &b).Close()
		})
		if told := models.WrapErr("try", err); err == nil || strings.Contains(told.Error(), "canary") || errors.Is(told, models.ErrUnavailable) {
			t.Errorf("%s: %v", sql, told)
		}
	}
}
