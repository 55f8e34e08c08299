package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/models/modelstest"
)

// rivalEnv names the built program of GoTrue (github.com/supabase/auth), with its folder migrations beside it. Then it runs beside the
// server, on the same PostgreSQL. It signs with HS256 here, which costs less than ES256.
const rivalEnv = "LATCHKEY_BENCH_RIVAL"

// rival is a running GoTrue with its refresh tokens, one for each client.
type rival struct {
	url    string
	tokens []string
}

// newRival starts GoTrue in a database of its own, with one of its algorithms for refresh tokens: 1, or 2 for a session id and a counter.
func newRival(b *testing.B, cluster *modelstest.Cluster, algorithm, clients int) *rival {
	b.Helper()
	database := fmt.Sprint("rival", algorithm)
	if err := cluster.Exec("CREATE DATABASE " + database + " OWNER " + modelstest.Role); err != nil {
		b.Fatal(err)
	}
	db, err := sql.Open("pgx", cluster.URL(database))
	if err == nil {
		_, err = db.ExecContext(b.Context(), "CREATE SCHEMA auth")
		_ = db.Close()
	}
	if err != nil {
		b.Fatal(err)
	}
	address := modelstest.FreeAddress(b)
	_, port, _ := net.SplitHostPort(address)
	r := &rival{url: "http://" + address}
	program := os.Getenv(rivalEnv)
	environment := append(os.Environ(), "GOTRUE_DB_DRIVER=postgres", "DB_NAMESPACE=auth", "DATABASE_URL="+cluster.URL(database)+"&search_path=auth",
		"GOTRUE_DB_MIGRATIONS_PATH="+filepath.Join(filepath.Dir(program), "migrations"), "GOTRUE_API_HOST=127.0.0.1", "PORT="+port, "API_EXTERNAL_URL="+r.url,
		"GOTRUE_SITE_URL="+r.url, "GOTRUE_JWT_SECRET="+strings.Repeat("secret", 8), "GOTRUE_JWT_EXP=900", fmt.Sprint("GOTRUE_DB_MAX_POOL_SIZE=", clients), fmt.Sprint("GOTRUE_DB_MAX_IDLE_POOL_SIZE=", clients),
		"GOTRUE_EXTERNAL_ANONYMOUS_USERS_ENABLED=true",
		fmt.Sprint("GOTRUE_SECURITY_REFRESH_TOKEN_ALGORITHM_VERSION=", algorithm))
	if algorithm == 2 {
		environment = append(environment, "GOTRUE_SECURITY_REFRESH_TOKEN_UPGRADE_PERCENTAGE=100")
	}
	migrate := exec.CommandContext(b.Context(), program, "migrate")
	migrate.Env = environment
	if out, err := migrate.CombinedOutput(); err != nil {
		b.Fatalf("the rival does not migrate: %v\n%s", err, out)
	}
	serve := exec.CommandContext(context.WithoutCancel(b.Context()), program, "serve")
	serve.Env = environment
	if err := serve.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _, _ = serve.Process.Kill(), serve.Wait() })
	for began := time.Now(); len(r.tokens) < clients; {
		token, err := r.ask("/signup", map[string]any{}) // an anonymous account
		switch {
		case err == nil:
			r.tokens = append(r.tokens, token)
		case time.Since(began) > time.Minute:
			b.Fatal(err)
		default:
			time.Sleep(50 * time.Millisecond)
		}
	}
	return r
}

// ask sends JSON on a connection of its own and returns the refresh token of the answer.
func (r *rival) ask(path string, body any) (string, error) {
	c, err := newClient(r.url)
	if err != nil {
		return "", err
	}
	defer c.close()
	return r.askBy(c, path, body)
}

func (r *rival) askBy(c *client, path string, body any) (string, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	status, answer, err := c.do("POST", path, "application/json", "", "", text)
	if err != nil {
		return "", err
	}
	var tokens struct {
		Refresh string `json:"refresh_token"`
	}
	if status != 200 || json.Unmarshal(answer, &tokens) != nil || tokens.Refresh == "" {
		return "", fmt.Errorf("%s: %d %s", path, status, answer)
	}
	return tokens.Refresh, nil
}

// refresh refreshes with so many clients, as fast as they can, and returns how many refreshes a second there were.
func (r *rival) refresh(b *testing.B, clients int) float64 {
	b.Helper()
	var all sync.WaitGroup
	counts, failures := make([]int, clients), make([]error, clients)
	began := time.Now()
	for i := range clients {
		all.Go(func() {
			c, err := newClient(r.url)
			if err != nil {
				failures[i] = err
				return
			}
			defer c.close()
			for time.Since(began) < spell() && failures[i] == nil {
				var next string
				if next, failures[i] = r.askBy(c, "/token?grant_type=refresh_token", map[string]string{"refresh_token": r.tokens[i]}); failures[i] == nil {
					r.tokens[i] = next
					counts[i]++
				}
			}
		})
	}
	all.Wait()
	n := 0
	for i := range clients {
		if failures[i] != nil {
			b.Fatal(failures[i])
		}
		n += counts[i]
	}
	return float64(n) / time.Since(began).Seconds()
}

// benchRival measures the server's refreshes a second against the rival's, in turns.
func benchRival(b *testing.B, cluster *modelstest.Cluster, s *server) {
	for _, algorithm := range []int{1, 2} {
		r := newRival(b, cluster, algorithm, 32)
		for _, clients := range []int{1, 8, 32} {
			ratios, ours, theirs := make([]float64, rounds), make([]float64, rounds), make([]float64, rounds)
			for i := range rounds {
				ours[i], theirs[i] = s.refresh(b, clients, 0).RPS, r.refresh(b, clients)
				ratios[i] = ours[i] / theirs[i]
			}
			row(fmt.Sprintf("refresh rps ÷ GoTrue's, algorithm %d, %d clients", algorithm, clients), fmt.Sprintf("%.1f (%.0f ÷ %.0f)", median(ratios), median(ours), median(theirs)), "–")
		}
	}
}
