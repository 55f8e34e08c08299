package main

import (
	"fmt"
	"testing"
	"time"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// citusPerson is an account whose place we know.
type citusPerson struct {
	models.User
	device reply // its latest answer with a token
}

// citusPeople adds accounts until there are three: one whose rows lie on the first worker, one whose account lies on the second, and one
// whose e-mail address alone lies on the second.
func citusPeople(t *testing.T, nodes *modelstest.Citus, database string) (alive, dead, away *citusPerson) {
	t.Helper()
	launchWithInput(t, on(database), password, "user", "add", ada, "--password-stdin")
	store := openAt(t, database)
	first, err := store.UserByEmail(t.Context(), ada)
	if err != nil {
		t.Fatal(err)
	}
	onSecond := func(table, kind, key string) bool {
		var host string
		err := store.Pools()[0].QueryRowContext(t.Context(), fmt.Sprintf(`SELECT nodename || ':' || nodeport FROM pg_dist_placement JOIN pg_dist_node USING (groupid)
			WHERE shardid = get_shard_id_for_distribution_column('%s', $1::text::%s)`, table, kind), key).Scan(&host)
		if err != nil {
			t.Fatal(err)
		}
		return host == hostOf(t, nodes.At(2, database))
	}
	for i := 0; alive == nil || dead == nil || away == nil; i++ {
		u := models.User{
			ID: models.NewID(time.Now()), Email: fmt.Sprintf("person-%d@example.org", i), EmailKey: fmt.Sprintf("person-%d@example.org", i),
			PasswordHash: first.PasswordHash, Role: models.RoleUser, CreatedAt: time.Now(),
		}
		if err := store.AddUser(t.Context(), u, models.Event{UserID: u.ID, At: u.CreatedAt, Kind: models.EventAccountCreated, Actor: models.ActorOperator}); err != nil {
			t.Fatal(err)
		}
		switch account, address := onSecond("users", "uuid", u.ID.String()), onSecond("addresses", "text", u.EmailKey); {
		case !account && !address:
			alive = &citusPerson{User: u}
		case account && !address:
			dead = &citusPerson{User: u}
		case !account:
			away = &citusPerson{User: u}
		}
	}
	return alive, dead, away
}

func TestTheProgramGoesOnWhileAWorkerOfCitusIsDown(t *testing.T) {
	needCitus(t)
	nodes := modelstest.StartCitus(t)
	database := nodes.Distributed(t)
	alive, dead, away := citusPeople(t, nodes, database)
	program := launch(t, on(database), "serve")
	base := program.url(t)
	for _, p := range []*citusPerson{alive, dead, away} {
		p.device = login(t, base, p.Email, password, "phone").want(t, 200)
		p.refresh(t, base)
	}
	tablet := login(t, base, alive.Email, password, "tablet").want(t, 200)
	was := generations(t, database)
	published := get(t, base+"/statuslists/0").want(t, 200).body

	if err := nodes.Nodes[2].Stop("fast"); err != nil {
		t.Fatal(err)
	}
	down := time.Now()
	for round := 0; round < 3 || time.Since(down) < 7*time.Second; round++ { // /readyz gives up after five
		for _, p := range []*citusPerson{alive, away} {
			p.refresh(t, base)
		}
		get(t, base+"/readyz").want(t, 200)
		get(t, base+"/statuslists/0").want(t, 200)
		refresh(t, base, dead.device.field("refresh_token")).want(t, 503, "error", "temporarily_unavailable").comeAgain(t)
	}
	login(t, base, alive.Email, password, "laptop").want(t, 200)
	login(t, base, alive.Email, "a wrong one", "laptop").want(t, 401)
	for _, p := range []*citusPerson{dead, away} {
		login(t, base, p.Email, password, "laptop").want(t, 503, "code", "unavailable").comeAgain(t)
	}
	revoke(t, base, tablet.field("refresh_token")).want(t, 200)
	eventually(t, time.Minute, "the list tells of the sign-out", func() bool { return get(t, base+"/statuslists/0").want(t, 200).body != published })
	readReport(t, launch(t, on(database), "doctor", "--json").end(t, time.Minute)).want(t, "citus", levelProblem, hostOf(t, nodes.At(2, database)), "do not answer")
	get(t, base+"/readyz").want(t, 200)

	if err := nodes.Nodes[2].Start(); err != nil {
		t.Fatal(err)
	}
	if is := generations(t, database); is[dead.ID.String()] != was[dead.ID.String()] || is[alive.ID.String()] <= was[alive.ID.String()] {
		t.Errorf("generations of tokens before and after: %v, %v", was, is)
	}
	for _, p := range []*citusPerson{alive, dead, away} {
		p.refresh(t, base)
		p.refresh(t, base)
		login(t, base, p.Email, password, "television").want(t, 200)
	}
	get(t, base+"/readyz").want(t, 200)
	program.stop(t)
	program.end(t, time.Minute).isNoCrash(t)
}

// refresh renews the person's tokens.
func (p *citusPerson) refresh(t *testing.T, base string) {
	t.Helper()
	p.device = refresh(t, base, p.device.field("refresh_token")).want(t, 200)
}

// generations returns by account how many tokens the device "phone" has had.
func generations(t *testing.T, database string) map[string]int64 {
	t.Helper()
	store := openAt(t, database)
	rows, err := store.Pools()[0].QueryContext(t.Context(), "SELECT user_id::text, generation FROM devices WHERE name = 'phone'")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	list := map[string]int64{}
	for rows.Next() {
		var id string
		var generation int64
		if err := rows.Scan(&id, &generation); err != nil {
			t.Fatal(err)
		}
		list[id] = generation
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}
