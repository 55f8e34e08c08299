package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/auth/services"
	"latchkey/models"
	"latchkey/models/modelstest"
)

// kidOf is the key that an access token says it was signed with.
func kidOf(t *testing.T, token string) string {
	t.Helper()
	head, _, _ := strings.Cut(token, ".")
	raw, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		t.Fatal(err)
	}
	return reply{body: string(raw)}.field("kid")
}

// kids are the ids of the published keys, in their order.
func kids(t *testing.T, base string) (list []string) {
	t.Helper()
	var set struct{ Keys []struct{ Kid string } }
	if err := json.Unmarshal([]byte(get(t, base+"/.well-known/jwks.json").want(t, 200).body), &set); err != nil {
		t.Fatal(err)
	}
	for _, key := range set.Keys {
		list = append(list, key.Kid)
	}
	return list
}

// state is how keys list calls a key.
func state(list, kid string) string {
	for line := range strings.Lines(list) {
		if words := strings.Fields(line); len(words) > 2 && words[0] == kid {
			return words[2]
		}
	}
	return "missing"
}

func TestKeysRotateMakesTheAnnouncedKeySign(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		s := serve(t, url, nil)
		addUser(t, url, ada)
		before := login(t, s.URL(), ada, password, "phone").want(t, 200)
		old := kidOf(t, before.field("access_token"))
		announced := kids(t, s.URL())
		list := must(t, url, "", "keys", "list")
		if len(announced) != 2 || state(list, announced[0]) == state(list, announced[1]) || state(list, old) != "signing" {
			t.Fatalf("want one key that signs and one announced: %v\n%s", announced, list)
		}
		next := announced[1-slices.Index(announced, old)]
		if state(list, next) != "next" {
			t.Errorf("%s is not next:\n%s", next, list)
		}

		// Servers that cache the key set do not know the next key yet.
		command(t, url, "", "keys", "rotate").refuses(t, 1, "it may sign from 20", "--now")
		if again := must(t, url, "", "keys", "list"); again != list {
			t.Errorf("a refused rotation changed\n%s\nto\n%s", list, again)
		}
		must(t, url, "", "keys", "rotate", "--now")
		list = must(t, url, "", "keys", "list")
		if state(list, old) != "published" || state(list, next) != "signing" || strings.Count(list, " next ") != 1 {
			t.Errorf("after the rotation from %s to %s:\n%s", old, next, list)
		}
		if err := s.Services.Keys.Load(t.Context()); err != nil { // what the server does every ten seconds
			t.Fatal(err)
		}
		whoami(t, s.URL(), before.field("access_token")).want(t, 200, "device_name", "phone")
		after := refresh(t, s.URL(), before.field("refresh_token")).want(t, 200)
		if got := kidOf(t, after.field("access_token")); got != next {
			t.Errorf("a new token is signed with %s, want %s", got, next)
		}
		whoami(t, s.URL(), after.field("access_token")).want(t, 200)
		if published := kids(t, s.URL()); len(published) != 3 || !slices.Contains(published, old) || !slices.Contains(published, next) {
			t.Errorf("published: %v", published)
		}
	})
}

func TestARunningServerFollowsARotation(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds")
	}
	t.Parallel()
	database := modelstest.SQLite(t)
	running := launch(t, on(database), "serve")
	base := running.url(t)
	before := kids(t, base)
	if o := launch(t, on(database), "keys", "rotate", "--now").end(t, time.Minute); o.code != 0 {
		t.Fatalf("rotate: %+v", o)
	}
	eventually(t, time.Minute, "the server publishes the key after the next", func() bool { return len(kids(t, base)) == len(before)+1 })
}

func TestClientsOnceRegisteredAreTheOnlyOnes(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		s := serve(t, url, nil)
		addUser(t, url, ada)
		early := login(t, s.URL(), ada, password, "phone", "client_id", "anything").want(t, 200)

		printed := must(t, url, "", "client", "add", "--public", "Example App")
		id := regexp.MustCompile(`(?m)^client_id: (\S+)$`).FindStringSubmatch(printed)
		if id == nil {
			t.Fatalf("no client_id: %q", printed)
		}
		if list := must(t, url, "", "client", "list"); !strings.HasPrefix(list, id[1]) || !strings.Contains(list, "Example App") {
			t.Errorf("list: %q", list)
		}
		login(t, s.URL(), ada, password, "phone", "client_id", "anything").want(t, 422, "code", "invalid_request")
		login(t, s.URL(), ada, password, "phone").want(t, 422)
		mine := login(t, s.URL(), ada, password, "tablet", "client_id", id[1]).want(t, 200)
		refresh(t, s.URL(), early.field("refresh_token")).want(t, 200)

		command(t, url, "", "client", "add", "--public", "two\nlines").refuses(t, 1, "name: ")
		command(t, url, "", "client", "remove", "unknown").refuses(t, 1, `"unknown"`)
		must(t, url, "", "client", "add", "Another") // public is what they are
		must(t, url, "", "client", "remove", id[1])
		login(t, s.URL(), ada, password, "phone", "client_id", id[1]).want(t, 422)
		refresh(t, s.URL(), mine.field("refresh_token")).want(t, 200)
		if list := must(t, url, "", "client", "list"); strings.Contains(list, id[1]) || !strings.Contains(list, "Another") {
			t.Errorf("list: %q", list)
		}
	})
}

func TestNativeAppsAreRegisteredAndServed(t *testing.T) {
	url := modelstest.SQLite(t)
	must(t, url, "", "migrate")
	colons := "14:6D:E9:83:C5:73:06:50:D8:EE:B9:95:2F:34:FC:64:16:A0:83:42:5F:E6:A6:EF:8D:42:D7:8B:B4:BA:3D:5C"
	printed := must(t, url, "", "client", "add", "Notes", "--id", "notes", "--ios-app", "A1B2C3D4E5.com.example.notes", "--ios-app", "A1B2C3D4E5.com.example.beta",
		"--android-app", "com.example.notes="+strings.ToLower(strings.ReplaceAll(colons, ":", "")))
	apps := []string{"iOS app: A1B2C3D4E5.com.example.beta\n", "iOS app: A1B2C3D4E5.com.example.notes\n", "Android app: com.example.notes " + colons + "\n"}
	list := must(t, url, "", "client", "list")
	for _, app := range append(apps, "notes") {
		if !strings.Contains(printed, app) || !strings.Contains(list, app) {
			t.Errorf("%q is not in %q and %q", app, printed, list)
		}
	}
	command(t, url, "", "client", "add", "Notes", "--id", "notes").refuses(t, 1, "id: Another app has it")
	command(t, url, "", "client", "add", "Notes", "--ios-app", "com.example").refuses(t, 1, `ios-app: "com.example" is not a team`)
	command(t, url, "", "client", "add", "Notes", "--android-app", "com.example="+colons[:59]).refuses(t, 1, "android-app: A SHA-256 fingerprint has 64")
	s := serve(t, url, nil)
	for name, app := range map[string]string{"apple-app-site-association": "A1B2C3D4E5.com.example.beta", "assetlinks.json": colons} {
		if r := get(t, s.URL()+"/.well-known/"+name); r.status != 200 || !strings.Contains(r.body, app) {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
}

func TestSweepDeletesWhatIsPastRetention(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		long := time.Now().Add(-2 * 365 * 24 * time.Hour)
		past := serveWith(t, defaults(t, url), func(c *services.Config) { c.Now = func() time.Time { return long } })
		addUser(t, url, ada)
		login(t, past.URL(), ada, password, "phone").want(t, 200)
		login(t, past.URL(), ada, "wrong wrong wrong", "phone").want(t, 401)
		s := serve(t, url, nil)
		living := login(t, s.URL(), ada, password, "tablet").want(t, 200)

		printed := must(t, url, "", "sweep")
		if !regexp.MustCompile(`^Deleted [1-9]\d* rows?\.\n$`).MatchString(printed) {
			t.Errorf("printed %q", printed)
		}
		if again := must(t, url, "", "sweep"); again != "Deleted 0 rows.\n" {
			t.Errorf("a second sweep printed %q", again)
		}
		refresh(t, s.URL(), living.field("refresh_token")).want(t, 200)
	})
}

func TestHealthcheckAsksReadyz(t *testing.T) {
	s := serve(t, modelstest.SQLite(t), nil)
	for _, address := range []string{s.URL(), s.URL() + "/", s.URL() + "/readyz"} {
		if printed := must(t, "", "", "healthcheck", address); printed != "ready\n" {
			t.Errorf("printed %q", printed)
		}
	}
	t.Setenv("LATCHKEY_ADDR", strings.TrimPrefix(s.URL(), "http://"))
	must(t, "", "", "healthcheck")

	sick := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/readyz" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer sick.Close()
	command(t, "", "", "healthcheck", sick.URL).refuses(t, 1, "503")
	o := command(t, "", "", "healthcheck", strings.Replace(sick.URL, "http://", "http://me:hunter2@", 1))
	if o.refuses(t, 1, "503"); strings.Contains(o.stderr, "hunter2") {
		t.Errorf("a password is echoed: %q", o.stderr)
	}
	sick.Close()
	command(t, "", "", "healthcheck", sick.URL).refuses(t, 1, "not ready")
	for _, nonsense := range []string{"nonsense", "ftp://localhost", "::"} {
		command(t, "", "", "healthcheck", nonsense).refuses(t, 2, "URL")
	}
}

func TestVersion(t *testing.T) {
	if printed := must(t, "", "", "version"); !regexp.MustCompile(`^latchkey \S+.* go1\.\S+ \w+/\w+\n$`).MatchString(printed) {
		t.Errorf("printed %q", printed)
	}
}

func TestMigrate(t *testing.T) {
	modelstest.EachURL(t, func(t *testing.T, url string) {
		if list := must(t, url, "", "migrate", "--status"); !strings.Contains(list, "pending") || strings.Contains(list, "Z ") {
			t.Errorf("on an empty database: %q", list)
		}
		place := models.Place(url)
		if printed := must(t, url, "", "migrate"); !regexp.MustCompile(`^Applied [1-9]\d* migrations to the new ` + regexp.QuoteMeta(place) + `\.\n$`).MatchString(printed) {
			t.Errorf("printed %q", printed)
		}
		if printed := must(t, url, "", "migrate"); printed != "The schema is up to date ("+place+").\n" {
			t.Errorf("printed %q", printed)
		}
		list := must(t, url, "", "migrate", "--status")
		if strings.Contains(list, "pending") || !regexp.MustCompile(`(?m)^0001  \d{4}-\d\d-\d\dT\S+Z  `).MatchString(list) {
			t.Errorf("after the migration: %q", list)
		}
	})
}

func TestUsage(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), nil, nil, &stdout, &stderr); code != 2 || stdout.Len() > 0 || !strings.Contains(stderr.String(), "Usage: latchkey") {
		t.Errorf("without arguments: exit %d, stdout %q, stderr %q", code, stdout.String(), stderr.String())
	}
	for _, args := range [][]string{{"--help"}, {"serve", "--help"}, {"user", "--help"}, {"user", "add", "--help"}} {
		o := command(t, "", "", args...)
		if o.code != 0 || o.stderr != "" || !strings.Contains(o.stdout, "Usage: latchkey") {
			t.Errorf("%v: %+v", args, o)
		}
	}
	if help := command(t, "", "", "--help").stdout; strings.Contains(help, "--database") || strings.Contains(help, "--secret ") || strings.Contains(help, "--secret=") {
		t.Errorf("a secret has a flag: %s", help)
	}
	command(t, "", "", "nonsense").refuses(t, 2, "nonsense")
	command(t, "", "", "serve", "--nope").refuses(t, 2, "--nope")
	command(t, "", "", "serve", "now").refuses(t, 2, "now")
	command(t, "", "", "serve", "--database=sqlite:x").refuses(t, 2, "--database")
}
