package main

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/models/modelstest"
)

// folderOf is the folder of an embedded database.
func folderOf(url string) string { return filepath.Dir(strings.TrimPrefix(url, "sqlite:")) }

func TestTheSecretIsMadeOnceHoweverManyStart(t *testing.T) {
	t.Parallel()
	url := modelstest.SQLite(t)
	folder := folderOf(url)
	if err := os.Remove(folder); err != nil { // the program makes it
		t.Fatal(err)
	}
	var children []*child
	for range 8 {
		children = append(children, launch(t, []string{"LATCHKEY_DATABASE=" + url, "LATCHKEY_ADDR=127.0.0.1:0"}, "serve"))
	}
	for _, c := range children {
		// One with another secret could not open the others' signing keys, and would not have started.
		get(t, c.url(t)+"/readyz").want(t, 200)
	}
	secret := filepath.Join(folder, "secret")
	made, err := os.ReadFile(secret)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parseSecret(string(made)); err != nil {
		t.Errorf("the file holds no secret: %v", err)
	}
	for path, mode := range map[string]os.FileMode{secret: 0o600, folder: 0o700 | os.ModeDir, filepath.Join(folder, "latchkey.db"): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode() != mode {
			t.Errorf("%s has the mode %v, want %v (%v)", path, info.Mode(), mode, err)
		}
	}
	for _, c := range children {
		c.stop(t)
	}
	for _, c := range children {
		if o := c.end(t, time.Minute); o.code != 0 {
			t.Errorf("exit %d: %s", o.code, o.stderr)
		}
		if strings.Contains(c.stderr.String(), strings.TrimSpace(string(made))) {
			t.Error("the secret is in the log")
		}
	}
	if left, _ := filepath.Glob(filepath.Join(folder, ".secret-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	launch(t, []string{"LATCHKEY_DATABASE=" + url}, "user", "list").end(t, time.Minute)
	if again, _ := os.ReadFile(secret); string(again) != string(made) {
		t.Error("a later start made another secret")
	}
}

func TestOneSecretWinsARace(t *testing.T) {
	for range 50 {
		path := filepath.Join(t.TempDir(), "data", "secret")
		var all sync.WaitGroup
		var secrets [8]string
		for i := range secrets {
			all.Go(func() {
				secret, err := makeSecret(path)
				if err != nil {
					t.Error(err)
				}
				secrets[i] = string(secret)
			})
		}
		all.Wait()
		if slices.ContainsFunc(secrets[:], func(secret string) bool { return secret != secrets[0] || secret == "" }) {
			t.Fatal("two starts work with different secrets")
		}
	}
}

func TestTheSecretComesFromAFileTooInAnyBase64(t *testing.T) {
	url := modelstest.SQLite(t)
	addUser(t, url, ada)
	s := serve(t, url, nil)
	device := login(t, s.URL(), ada, password, "phone").want(t, 200)
	secret := secretOf("a")
	for name, text := range map[string]string{
		"as openssl prints it": secret + "\n", "without padding": strings.TrimRight(secret, "="), "with spaces about it": " " + secret + "\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "secret")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			s := serve(t, url, func(s *Settings) { s.Secret, s.SecretFile = "", file })
			device = refresh(t, s.URL(), device.field("refresh_token")).want(t, 200)
		})
	}
	if _, err := parseSecret(strings.Repeat("-_", 22)); err != nil {
		t.Errorf("base64url: %v", err)
	}
}

func TestADatabaseSealedUnderAnotherSecretIsRefused(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		must(t, url, "", "migrate")
		must(t, url, "", "keys", "list")
		t.Setenv("LATCHKEY_SECRET", secretOf("b"))
		for _, args := range [][]string{{"keys", "list"}, {"keys", "rotate"}, {"user", "list"}, {"user", "sign-out", "--all"}, {"sweep"}, {"serve", "--addr=127.0.0.1:0"}} {
			command(t, url, "", args...).refuses(t, 1, "LATCHKEY_SECRET", "sealed under another secret")
		}
	})
}

// A lost secret is not replaced by a new one: what the database holds is sealed under the old one.
func TestNoSecretIsMadeForADatabaseThatHasOne(t *testing.T) {
	t.Parallel()
	url := modelstest.SQLite(t)
	run := func(args ...string) outcome {
		return launch(t, []string{"LATCHKEY_DATABASE=" + url}, args...).end(t, time.Minute)
	}
	for _, args := range [][]string{{"migrate"}, {"keys", "list"}} {
		if o := run(args...); o.code != 0 {
			t.Fatalf("%v: %s", args, o.stderr)
		}
	}
	file := filepath.Join(folderOf(url), "secret")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"user", "list"}, {"user", "sign-out", "--all"}, {"keys", "list"}, {"serve", "--addr=127.0.0.1:0"}} {
		run(args...).refuses(t, 1, file, "bring back the one")
	}
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a secret was made: %v", err)
	}
}

// TestARollingChangeOfTheSecret follows the procedure: the new secret becomes an additional one everywhere, then the
// two swap places, then the old one goes. A device, a browser and the sealed keys live through every step.
func TestARollingChangeOfTheSecret(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		with := func(secret, previous string) server {
			return serve(t, url, func(s *Settings) { s.Secret, s.SecretPrevious = secretOf(secret), previous })
		}
		addUser(t, url, ada)
		before := with("a", "")
		device := login(t, before.URL(), ada, password, "phone").want(t, 200)
		idle := login(t, before.URL(), ada, password, "forgotten phone").want(t, 200)
		browser := signedInBrowser(t, before.URL())
		published := get(t, before.URL()+"/.well-known/jwks.json").body

		first, second := with("a", secretOf("b")), with("b", secretOf("a")) // two replicas, half-way
		for range 2 {
			for _, s := range []server{second, first} { // what one mints the other takes
				device = refresh(t, s.URL(), device.field("refresh_token")).want(t, 200)
				send(t, browser, http.MethodGet, s.URL()+"/devices", "").want(t, 200)
			}
		}
		send(t, browser, http.MethodGet, second.URL()+"/security", "").want(t, 200)
		if got := get(t, second.URL()+"/.well-known/jwks.json").body; got != published {
			t.Errorf("the keys changed:\n%s\n%s", published, got)
		}
		late := signedInBrowser(t, second.URL())
		device = refresh(t, second.URL(), device.field("refresh_token")).want(t, 200)

		after := with("b", " , ")
		device = refresh(t, after.URL(), device.field("refresh_token")).want(t, 200)
		whoami(t, after.URL(), device.field("access_token")).want(t, 200)
		send(t, late, http.MethodGet, after.URL()+"/devices", "").want(t, 200)
		if got := get(t, after.URL()+"/.well-known/jwks.json").body; got != published {
			t.Errorf("the keys changed:\n%s\n%s", published, got)
		}
		refresh(t, after.URL(), idle.field("refresh_token")).want(t, 400, "error", "invalid_grant", "reason", "malformed")
	})
}
