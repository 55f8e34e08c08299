package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"latchkey/models/modelstest"
)

// ceilingAddress names the variable that makes this test binary the ceiling: a server without a database, which listens there.
const ceilingAddress = "LOADGEN_CEILING"

// serveCeiling answers refreshes with the least that one needs: HTTP, a form, one MAC, one ES256 signature and JSON. No token dies.
func serveCeiling(address string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	secret := []byte(rand.Text())
	head := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256","kid":"ceiling","typ":"at+jwt"}`))
	http.HandleFunc("POST /oauth/token", func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			http.Error(w, "form", http.StatusBadRequest)
			return
		}
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(r.PostForm.Get("refresh_token")))
		now := time.Now().Unix()
		claims, _ := json.Marshal(map[string]any{
			"iss": "http://localhost", "sub": "0197f7a0-0000-7000-8000-000000000000", "aud": "http://localhost", "iat": now, "exp": now + 900,
			"jti": rand.Text(), "client_id": "app", "sid": "0197f7a0-0000-7000-8000-000000000001",
		})
		text := head + "." + base64.RawURLEncoding.EncodeToString(claims)
		digest := sha256.Sum256([]byte(text))
		signature, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
		if err != nil {
			http.Error(w, "signature", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{
			"access_token": text + "." + base64.RawURLEncoding.EncodeToString(signature), "token_type": "Bearer", "expires_in": 900,
			"refresh_token": base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), "refresh_in": 760,
		})
	})
	server := http.Server{Addr: address, ReadHeaderTimeout: time.Second}
	return server.ListenAndServe()
}

// newCeiling starts the ceiling in a process of its own.
func newCeiling(b *testing.B) *server {
	b.Helper()
	address := modelstest.FreeAddress(b)
	s := &server{url: "http://" + address, tokens: filepath.Join(b.TempDir(), "devices.json"), accounts: 1, process: exec.CommandContext(b.Context(), os.Args[0])}
	s.process.Env, s.process.Stderr = append(os.Environ(), ceilingAddress+"="+address), os.Stderr
	if err := s.process.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = s.process.Process.Kill()
		_ = s.process.Wait()
	})
	devices, err := json.Marshal(slices.Repeat([]device{{Access: "a.b.c", Refresh: "first"}}, 32))
	if err == nil {
		err = os.WriteFile(s.tokens, devices, 0o600)
	}
	if err != nil {
		b.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		if conn, err := net.Dial("tcp", address); err == nil {
			_ = conn.Close()
			return s
		}
		if time.Now().After(end) {
			b.Fatal("the ceiling does not listen")
		}
	}
}

// benchCPU measures what a refresh costs the server's cores, database work of other processes excluded, against the ceiling.
func benchCPU(b *testing.B, s *server) {
	ceiling := newCeiling(b)
	goals := map[int]string{1: "≤ 1.9", 8: "≤ 1.6", 32: "≤ 1.4"}
	for _, clients := range []int{1, 8, 32} {
		ratios, ours, least := make([]float64, rounds), make([]float64, rounds), make([]float64, rounds)
		for i := range rounds {
			ours[i], least[i] = s.cpuPerRefresh(b, clients), ceiling.cpuPerRefresh(b, clients)
			ratios[i] = ours[i] / least[i]
		}
		row(fmt.Sprintf("server's CPU a refresh ÷ that of HTTP, form, MAC, ES256 and JSON alone, %d clients", clients),
			fmt.Sprintf("%.2f (%.0f µs ÷ %.0f µs)", median(ratios), median(ours), median(least)), goals[clients])
	}
}

// cpuPerRefresh is the time, user and system, that a refresh takes the server's process, in microseconds.
func (s *server) cpuPerRefresh(b *testing.B, clients int) float64 {
	b.Helper()
	before := s.ticks(b)
	r := s.refresh(b, clients, 0)
	return float64(s.ticks(b)-before) * 10_000 / float64(r.Requests)
}

// ticks is the CPU time of the process so far, in hundredths of a second (proc(5), utime and stime).
func (s *server) ticks(b *testing.B) int {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.process.Process.Pid))
	if err != nil {
		b.Skip("CPU time is read from /proc: ", err)
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')'):])) // the first is the bracket
	user, err1 := strconv.Atoi(fields[12])
	system, err2 := strconv.Atoi(fields[13])
	if err1 != nil || err2 != nil {
		b.Fatal(err1, err2)
	}
	return user + system
}
