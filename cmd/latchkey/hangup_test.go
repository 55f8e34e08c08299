package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/models/modelstest"
)

// hangUp presents a token and is gone at some moment of the next few milliseconds: half of the clients close the
// connection on its own terms or with a reset, the others cancel their request.
func hangUp(t *testing.T, base, token string, way int) {
	wait := time.Duration(rand.Int64N(int64(6 * time.Millisecond)))
	if way%2 == 0 {
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/oauth/token", strings.NewReader(refreshForm(token)))
		if err != nil {
			t.Error(err)
			return
		}
		request.Header.Set("Content-Type", formType)
		if answer, err := http.DefaultClient.Do(request); err == nil {
			answer.Body.Close()
		}
		return
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Error(err)
		return
	}
	_, _ = io.WriteString(conn, rawRefresh(token))
	time.Sleep(wait)
	if tcp, ok := conn.(*net.TCPConn); ok && way%4 == 1 {
		_ = tcp.SetLinger(0)
	}
	conn.Close()
}

func TestTwoHundredClientsThatHangUpLoseNothing(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, database string) {
		const devices, clients = 20, 10 // ten times the same request from every device
		s := serve(t, database, nil)
		addUser(t, database, ada)
		var tokens []reply
		for i := range devices {
			tokens = append(tokens, login(t, s.URL(), ada, password, fmt.Sprint("phone ", i)).want(t, 200))
		}
		var gone sync.WaitGroup
		for i := range devices * clients {
			gone.Go(func() { hangUp(t, s.URL(), tokens[i%devices].field("refresh_token"), i/devices) })
		}
		gone.Wait()

		for _, pool := range s.store.Pools() {
			eventually(t, time.Minute, "every connection is back in its pool", func() bool { return pool.Stats().InUse == 0 })
		}
		user := uuid.MustParse(subject(t, s, tokens[0]))
		moved, thirds := 0, []reply(nil)
		for _, first := range tokens {
			id := uuid.MustParse(first.field("device_id"))
			if d, err := s.store.Device(t.Context(), user, id); err != nil || d.RevokedAt != nil || d.Generation > 2 {
				t.Fatalf("after the hang-ups: generation %d, revoked %v, %v", d.Generation, d.RevokedAt, err)
			} else if d.Generation == 2 {
				moved++
			}
			second := refresh(t, s.URL(), first.field("refresh_token")).want(t, 200) // the one whose answer was lost
			third := refresh(t, s.URL(), second.field("refresh_token")).want(t, 200)
			whoami(t, s.URL(), third.field("access_token")).want(t, 200)
			thirds = append(thirds, third)
			d, err := s.store.Device(t.Context(), user, id)
			if err != nil || d.Generation != 3 || d.Base != 2 || d.Floor != 3 {
				t.Errorf("generation %d, base %d, floor %d (%v); want 3, 2, 3", d.Generation, d.Base, d.Floor, err)
			}
		}
		if moved == 0 {
			t.Error("no request arrived before its client hung up: this tests nothing")
		}
		// A request that was sent whole is carried out, even if no one waits for the answer: an outcome that no one knows is the
		// worst there is.
		for _, third := range thirds {
			conn := dial(t, s.URL())
			gone.Go(func() {
				_, _ = io.WriteString(conn, rawRefresh(third.field("refresh_token")))
				conn.Close()
			})
		}
		gone.Wait()
		for _, third := range thirds {
			id := uuid.MustParse(third.field("device_id"))
			eventually(t, time.Minute, "the refresh is carried out", func() bool {
				d, err := s.store.Device(t.Context(), user, id)
				return err == nil && d.Generation == 4
			})
			refresh(t, s.URL(), third.field("refresh_token")).want(t, 200)
		}
		if log := s.log.String(); strings.Contains(log, "panic") || strings.Contains(log, "level=ERROR") {
			t.Errorf("clients that hang up are no errors of ours:\n%s", log)
		}
	})
}

// subject is the account of a token answer.
func subject(t *testing.T, s server, answer reply) string {
	t.Helper()
	claims, err := s.Services.Tokens.Verify(answer.field("access_token"))
	if err != nil {
		t.Fatal(err)
	}
	return claims.Subject
}
