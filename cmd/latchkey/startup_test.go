package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"latchkey/models/modelstest"
)

// TestAStartThatCannotSucceedSaysWhy runs the built program: what it prints is all that a person in front of a
// terminal, or of a container's log, gets to see.
func TestAStartThatCannotSucceedSaysWhy(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	sqlite := func() string { return "LATCHKEY_DATABASE=" + modelstest.SQLite(t) }
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("no database, and far too short for one\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	asn, err := filepath.Abs("../../auth/place/testdata/asn.mmdb")
	if err != nil {
		t.Fatal(err)
	}
	unreachable := "LATCHKEY_DATABASE=postgres://latchkey:hunter2hunter2@127.0.0.1:1/latchkey"
	secret := "LATCHKEY_SECRET=" + secretOf("a")
	for name, c := range map[string]struct {
		settings []string
		args     []string
		code     int
		says     string
	}{
		"the address is taken":               {[]string{sqlite(), "LATCHKEY_ADDR=" + taken.Addr().String()}, nil, 1, "LATCHKEY_ADDR: "},
		"the metrics' address is taken":      {[]string{sqlite(), "LATCHKEY_METRICS_ADDR=" + taken.Addr().String()}, nil, 1, "LATCHKEY_METRICS_ADDR: "},
		"the port is none":                   {[]string{sqlite(), "LATCHKEY_ADDR=localhost:99999"}, nil, 1, "LATCHKEY_ADDR: "},
		"a demonstration for everybody":      {[]string{sqlite()}, []string{"--demo", "--addr=0.0.0.0:0"}, 2, "loopback"},
		"a demonstration for the world":      {[]string{sqlite(), "LATCHKEY_BASE_URL=https://id.example.com"}, []string{"--demo", "--addr=localhost:0"}, 2, "LATCHKEY_BASE_URL"},
		"a demonstration on every interface": {[]string{sqlite()}, []string{"--demo", "--addr=:0"}, 2, "loopback"},
		"PostgreSQL without a secret":        {[]string{unreachable}, nil, 1, "LATCHKEY_SECRET"},
		"PostgreSQL is down":                 {[]string{unreachable, secret}, nil, 1, "LATCHKEY_DATABASE: "},
		"the URL is malformed":               {[]string{"LATCHKEY_DATABASE=postgres://latchkey:hunter2hunter2@host:port/x", secret}, nil, 1, "LATCHKEY_DATABASE: "},
		"the database is of no known type":   {[]string{"LATCHKEY_DATABASE=mysql://latchkey:hunter2hunter2@host/x", secret}, nil, 1, "LATCHKEY_DATABASE: "},
		"the database has no path":           {[]string{"LATCHKEY_DATABASE=sqlite:"}, nil, 1, "LATCHKEY_DATABASE: "},
		"a file where a folder should be":    {[]string{"LATCHKEY_DATABASE=sqlite:" + file + "/latchkey.db"}, nil, 1, "LATCHKEY_DATABASE: "},
		"a file that is no database":         {[]string{"LATCHKEY_DATABASE=sqlite:" + file, secret}, nil, 1, "LATCHKEY_DATABASE: "},
		"a folder where a file should be":    {[]string{"LATCHKEY_DATABASE=sqlite:" + filepath.Dir(file)}, nil, 1, "LATCHKEY_DATABASE: "},
		"the secret is too short":            {[]string{sqlite(), "LATCHKEY_SECRET=aHVudGVyMmh1bnRlcjI="}, nil, 1, "LATCHKEY_SECRET: "},
		"the secret is no base64":            {[]string{sqlite(), "LATCHKEY_SECRET=hunter2!" + secretOf("a")}, nil, 1, "LATCHKEY_SECRET: "},
		"an older secret is too short":       {[]string{sqlite(), secret, "LATCHKEY_SECRET_PREVIOUS=" + secretOf("b") + ",aHVudGVyMmh1bnRlcjI="}, nil, 1, "LATCHKEY_SECRET_PREVIOUS: secret 2"},
		"two secrets":                        {[]string{sqlite(), secret, "LATCHKEY_SECRET_FILE=" + file}, nil, 1, "LATCHKEY_SECRET_FILE"},
		"the secret's file is missing":       {[]string{sqlite(), "LATCHKEY_SECRET_FILE=/nowhere/secret"}, nil, 1, "LATCHKEY_SECRET_FILE: "},
		"the secret's file holds something":  {[]string{sqlite(), "LATCHKEY_SECRET_FILE=" + file}, nil, 1, "LATCHKEY_SECRET_FILE: "},
		"the place database is missing":      {[]string{sqlite(), "LATCHKEY_GEO_DATABASE=/nowhere/city.mmdb"}, nil, 1, "LATCHKEY_GEO_DATABASE: "},
		"the place database is wrong":        {[]string{sqlite(), "LATCHKEY_GEO_DATABASE=" + file}, nil, 1, "LATCHKEY_GEO_DATABASE: "},
		"the place database is another":      {[]string{sqlite(), "LATCHKEY_GEO_DATABASE=" + asn}, nil, 1, "give one of cities or countries"},
		"a setting is malformed":             {[]string{sqlite(), "LATCHKEY_ACCESS_TTL=soon"}, nil, 2, "LATCHKEY_ACCESS_TTL: "},
	} {
		t.Run(name, func(t *testing.T) {
			settings := append([]string{"LATCHKEY_ADDR=127.0.0.1:0"}, c.settings...)
			o := launch(t, settings, append([]string{"serve"}, c.args...)...).end(t, time.Minute)
			o.refuses(t, c.code, c.says)
			o.isNoCrash(t)
			for _, secret := range []string{"hunter2", "aHVudGVyMmh1bnRlcjI", secretOf("a"), "far too short"} {
				if strings.Contains(o.stderr+o.stdout, secret) {
					t.Errorf("a secret is echoed: %s", o.stderr)
				}
			}
		})
	}
}

// unprivileged is a user whom permissions stop, unlike root.
func unprivileged() *syscall.Credential {
	if os.Getuid() != 0 {
		return nil
	}
	return &syscall.Credential{Uid: 65534, Gid: 65534}
}

func TestAFolderThatCannotBeWrittenIsNamed(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "latchkey-readonly-") // t.TempDir's parent is closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700); os.RemoveAll(dir) })
	if err := os.WriteFile(filepath.Join(dir, "old.db"), nil, 0o444); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	for _, settings := range [][]string{
		nil, // data/ in the working directory
		{"LATCHKEY_DATABASE=sqlite:" + dir + "/latchkey.db"},
		{"LATCHKEY_DATABASE=sqlite:" + dir + "/old.db", "LATCHKEY_SECRET=" + secretOf("a")},
	} {
		for _, args := range [][]string{{"serve", "--addr=127.0.0.1:0"}, {"migrate"}, {"user", "list"}} {
			o := launchAs(t, dir, unprivileged(), settings, args...).end(t, time.Minute)
			o.refuses(t, 1, "LATCHKEY_DATABASE: ", dir)
			o.isNoCrash(t)
		}
	}
}

func TestNothingIsLeftRunningAfterAFailedStart(t *testing.T) {
	settings := defaults(t, modelstest.SQLite(t))
	settings.TrustedProxies = []string{"nonsense"} // found out last, when everything else has begun
	for _, address := range []*string{&settings.Addr, &settings.MetricsAddr} {
		free, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		*address = free.Addr().String()
		free.Close()
	}
	env := &environment{ctx: t.Context(), settings: settings, stdout: t.Output(), stderr: t.Output()}
	if p, err := Start(env, nil); err == nil || p != nil {
		t.Fatalf("started: %v, %v", p, err)
	}
	for _, address := range []string{settings.Addr, settings.MetricsAddr} {
		again, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatalf("the address is still held: %v", err)
		}
		again.Close()
	}
}
