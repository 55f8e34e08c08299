package main

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"latchkey/models"
	"latchkey/models/modelstest"
)

// administration is every command that works on an existing database.
var administration = [][]string{
	{"user", "list"}, {"user", "add", ada}, {"user", "set-password", ada}, {"user", "set-email", ada, "b@example.org"}, {"user", "set-role", ada, "user"},
	{"user", "disable", ada}, {"user", "enable", ada}, {"user", "sign-out", ada}, {"user", "sign-out", "--all"},
	{"keys", "list"}, {"keys", "rotate"}, {"client", "list"}, {"client", "add", "--public", "app"}, {"client", "remove", "x"}, {"sweep"},
}

func TestOnlyServeAndMigrateMakeADatabase(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		folder := filepath.Join(t.TempDir(), "data")
		url := "sqlite:" + filepath.Join(folder, "latchkey.db")
		for _, args := range administration {
			command(t, url, "", args...).refuses(t, 1, "LATCHKEY_DATABASE: ", folder, "latchkey migrate", "latchkey serve")
			if _, err := os.Stat(folder); !os.IsNotExist(err) {
				t.Fatalf("%v made %s", args, folder)
			}
		}
		if list := must(t, url, "", "migrate", "--status"); !strings.Contains(list, "0001  pending") {
			t.Errorf("the status: %s", list)
		}
		if _, err := os.Stat(folder); !os.IsNotExist(err) {
			t.Fatalf("the status made %s", folder)
		}
		must(t, url, "", "migrate")
		must(t, url, "", "user", "list")
	})
	modelstest.EachURL(t, func(t *testing.T, url string) {
		if path, embedded := strings.CutPrefix(url, "sqlite:"); embedded { // there, and empty
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for _, args := range administration {
			command(t, url, "", args...).refuses(t, 1, "LATCHKEY_DATABASE: ", "latchkey migrate", "latchkey serve")
		}
		if list := must(t, url, "", "migrate", "--status"); !strings.Contains(list, "0001  pending") {
			t.Errorf("the status: %s", list)
		}
		s, err := models.Open(t.Context(), models.Config{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if there, err := s.HasSchema(t.Context()); there || err != nil {
			t.Errorf("a command made tables: %v", err)
		}
		must(t, url, "", "migrate")
		must(t, url, "", "user", "list")
	})
}

// A start that fails before the tables are made leaves nothing that the next start takes for a broken copy.
func TestAStartAfterOneThatFailedIsNotRefused(t *testing.T) {
	url := modelstest.SQLite(t)
	t.Setenv("LATCHKEY_SECRET", "c2hvcnQ=")
	for range 2 {
		command(t, url, "", "serve", "--addr=127.0.0.1:0").refuses(t, 1, "LATCHKEY_SECRET: ")
		command(t, url, "", "user", "list").refuses(t, 1, "LATCHKEY_DATABASE: ")
	}
	t.Setenv("LATCHKEY_SECRET", secretOf("a"))
	must(t, url, "", "migrate")
}

func TestADatabaseWithoutItsLogIsRefused(t *testing.T) {
	emptied := func() (path string) {
		path = filepath.Join(t.TempDir(), "copy.db")
		s, err := models.Open(t.Context(), models.Config{URL: "sqlite:" + path})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		copied, err := os.ReadFile(path) // of a database that is in use, without its log
		if err != nil || len(copied) == 0 {
			t.Fatalf("%d bytes, %v", len(copied), err)
		}
		path = filepath.Join(t.TempDir(), "copy.db")
		if err := os.WriteFile(path, copied, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	path := emptied()
	before, _ := os.ReadFile(path)
	for _, args := range [][]string{{"serve"}, {"user", "list"}} {
		launch(t, on("sqlite:"+path), args...).end(t, time.Minute).refuses(t, 1, "LATCHKEY_DATABASE: ", path, "copy.db-wal", "no tables")
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file was changed (%v)", err)
	}
}

func TestSecretsComeFromFiles(t *testing.T) {
	folder := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	url := modelstest.SQLite(t)
	addUser(t, url, ada)
	s := serve(t, url, nil)
	device := login(t, s.URL(), ada, password, "phone").want(t, 200)
	s = serve(t, "", func(s *Settings) {
		s.DatabaseFile, s.SecretFile = file("database", url+"\n"), file("secret", secretOf("b")+"\r\n")
		s.Secret = ""
		s.SecretPreviousFile = file("previous", secretOf("c")+",\n"+secretOf("a")+"\n")
		s.SMTPURLFile, s.MailFrom = file("smtp", "smtp://user:hunter2hunter2@127.0.0.1:1\n"), "no-reply@example.com"
	})
	refresh(t, s.URL(), device.field("refresh_token")).want(t, 200)
	if !s.Services.Notify.Enabled() {
		t.Error("the mail server's file was not read")
	}

	for name, c := range map[string]struct {
		change func(*Settings)
		says   []string
	}{
		"two databases":        {func(s *Settings) { s.Database, s.DatabaseFile = url, file("d", url) }, []string{"LATCHKEY_DATABASE and LATCHKEY_DATABASE_FILE"}},
		"two secrets":          {func(s *Settings) { s.SecretFile = file("s", secretOf("a")) }, []string{"LATCHKEY_SECRET and LATCHKEY_SECRET_FILE"}},
		"two previous secrets": {func(s *Settings) { s.SecretPrevious, s.SecretPreviousFile = secretOf("b"), file("p", secretOf("b")) }, []string{"LATCHKEY_SECRET_PREVIOUS and LATCHKEY_SECRET_PREVIOUS_FILE"}},
		"two mail servers": {func(s *Settings) {
			s.SMTPURL, s.SMTPURLFile = "smtp://a:hunter2hunter2@b", file("m", "smtp://a:hunter2hunter2@b")
		}, []string{"LATCHKEY_SMTP_URL and LATCHKEY_SMTP_URL_FILE"}},
		"no such database":     {func(s *Settings) { s.Database, s.DatabaseFile = "", folder+"/nowhere" }, []string{"LATCHKEY_DATABASE_FILE: ", folder + "/nowhere"}},
		"no such secret":       {func(s *Settings) { s.Secret, s.SecretFile = "", folder+"/nowhere" }, []string{"LATCHKEY_SECRET_FILE: ", folder + "/nowhere"}},
		"no such previous":     {func(s *Settings) { s.SecretPreviousFile = folder + "/nowhere" }, []string{"LATCHKEY_SECRET_PREVIOUS_FILE: "}},
		"no such mail server":  {func(s *Settings) { s.SMTPURLFile = folder }, []string{"LATCHKEY_SMTP_URL_FILE: ", folder}},
		"an empty database":    {func(s *Settings) { s.Database, s.DatabaseFile = "", file("e", "\n") }, []string{"LATCHKEY_DATABASE_FILE: ", "is empty"}},
		"an empty secret":      {func(s *Settings) { s.Secret, s.SecretFile = "", file("e", "") }, []string{"LATCHKEY_SECRET_FILE: ", "is empty"}},
		"an empty previous":    {func(s *Settings) { s.SecretPreviousFile = file("e", " \n") }, []string{"LATCHKEY_SECRET_PREVIOUS_FILE: ", "is empty"}},
		"an empty mail server": {func(s *Settings) { s.SMTPURLFile = file("e", "\r\n") }, []string{"LATCHKEY_SMTP_URL_FILE: ", "is empty"}},
	} {
		settings := defaults(t, url)
		c.change(&settings)
		p, err := Start(&environment{ctx: t.Context(), settings: settings, stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard}, nil)
		if err == nil {
			p.Close()
			t.Errorf("%s: it starts", name)
			continue
		}
		line := oneLine(err)
		for _, word := range c.says {
			if !strings.Contains(line, word) || strings.Contains(line, "hunter2") || strings.Contains(line, secretOf("a")) {
				t.Errorf("%s: %s", name, line)
			}
		}
	}
	if known := unknownSettings(); len(known) > 0 {
		t.Errorf("not known: %v", known)
	}
}

func TestEverySecretSettingHasAFileOfItsOwn(t *testing.T) {
	folder, url := t.TempDir(), modelstest.SQLite(t)
	addUser(t, url, ada)
	must(t, url, "", "keys", "list") // sealed under the secret a
	for _, name := range []string{"LATCHKEY_DATABASE", "LATCHKEY_SECRET"} {
		t.Setenv(name, "")
	}
	set := func(name, text string) {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv(name+"_FILE", path)
	}
	list := func() outcome {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), []string{"user", "list"}, strings.NewReader(""), &stdout, &stderr)
		return outcome{code, stdout.String(), stderr.String()}
	}
	set("LATCHKEY_DATABASE", url)
	set("LATCHKEY_SECRET", secretOf("b"))
	list().refuses(t, 1, "sealed under another secret")
	set("LATCHKEY_SECRET_PREVIOUS", secretOf("a"))
	if o := list(); o.code != 0 || o.stderr != "" || !strings.Contains(o.stdout, ada) {
		t.Errorf("exit %d, %q %q", o.code, o.stdout, o.stderr)
	}
	t.Setenv("LATCHKEY_MAIL_FROM", "no-reply@example.com")
	set("LATCHKEY_SMTP_URL", "http://user:hunter2hunter2@mail.example.com")
	list().refuses(t, 1, "LATCHKEY_SMTP_URL: ")
}

func TestASecretThatIsNotRandomIsRefusedWhereNothingDependsOnIt(t *testing.T) {
	encode := func(secret string) string { return base64.StdEncoding.EncodeToString([]byte(secret)) }
	rising := make([]byte, 48)
	for i := range rising {
		rising[i] = byte(3 * i)
	}
	few, x := make([]byte, 48), uint32(12)
	for i := range few {
		x = x*1664525 + 1013904223
		few[i] = "\x05\x80\x91\xa3\xb7\xcc\xe2\xf9"[x>>29]
	}
	modelstest.EachURL(t, func(t *testing.T, url string) {
		must(t, url, "", "migrate")
		for name, secret := range map[string]string{
			"eight different bytes": encode(string(few)),
			"all zero":              encode(strings.Repeat("\x00", 32)), "all ones": encode(strings.Repeat("\xff", 64)), "one letter": encode(strings.Repeat("a", 32)),
			"two letters": encode(strings.Repeat("ab", 32)), "rising": encode(string(rising)), "over and over": encode(strings.Repeat("k3\x9f\xe1Q\x07\xbb\x12\xd4zY\x81\xc6", 3)),
			"a sentence": encode("this is the secret of our sign-in server"), "a word": encode("latchkey-Secret-Change-Me-2026!xyz"),
			"a long row of words": encode("correct-horse-battery-staple-and-another-horse"), "the same in capitals": encode("CORRECTHORSEBATTERYSTAPLEANDANOTHERGOODHORSE"),
			"words that are not English": encode("geheimnisvoller-schlüssel-für-das-haus"), "other letters": encode("секретный ключ сервера"),
		} {
			t.Setenv("LATCHKEY_SECRET", secret)
			o := command(t, url, "", "user", "add", ada)
			if o.refuses(t, 1, "LATCHKEY_SECRET: ", "openssl rand"); strings.Contains(o.stderr, secret) {
				t.Errorf("%s is told: %s", name, o.stderr)
			}
			if o.code == 0 {
				t.Fatalf("%s is taken", name) // and with an account, so are the others
			}
			command(t, url, "", "serve", "--addr=127.0.0.1:0").refuses(t, 1, "LATCHKEY_SECRET: ")
			t.Setenv("LATCHKEY_SECRET", secretOf("a"))
			t.Setenv("LATCHKEY_SECRET_PREVIOUS", secret)
			command(t, url, "", "user", "list").refuses(t, 1, "LATCHKEY_SECRET_PREVIOUS")
			t.Setenv("LATCHKEY_SECRET_PREVIOUS", "")
		}
	})
}

func TestASecretThatIsNotRandomIsWarnedOfWhereItIsInUse(t *testing.T) {
	url := modelstest.SQLite(t)
	addUser(t, url, ada)
	zero := base64.StdEncoding.EncodeToString(make([]byte, 32))
	t.Setenv("LATCHKEY_SECRET", zero)
	o := command(t, url, "", "user", "list")
	if o.code != 0 || !strings.Contains(o.stderr, "level=WARN") || !strings.Contains(o.stderr, "not random") || strings.Contains(o.stderr, zero) {
		t.Errorf("exit %d: %s", o.code, o.stderr)
	}
}

// What random generators give is never taken for made up: neither 32 bytes nor what people encode twice.
func TestRandomSecretsAreTaken(t *testing.T) {
	if unlucky := "3ae18e44b4545baeb74a610460a0171503e841706a4a38167671ebe17bb53485"; madeUp([]byte(unlucky)) { // 11 of the 16 digits
		t.Errorf("%s", unlucky)
	}
	for range 20_000 {
		secret := make([]byte, 32)
		_, _ = rand.Read(secret)
		if madeUp(secret) {
			t.Fatalf("%x", secret)
		}
		for _, text := range []string{base64.StdEncoding.EncodeToString(secret), hex.EncodeToString(secret), strings.ToUpper(hex.EncodeToString(secret))} {
			if madeUp([]byte(text)) {
				t.Fatalf("%s", text)
			}
		}
	}
}

func TestHelpNamesWhatHasNoFlag(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"serve", "--help"}, {"user", "add", "--help"}} {
		o := command(t, "", "", args...)
		for _, name := range []string{"LATCHKEY_DATABASE ", "LATCHKEY_SECRET ", "LATCHKEY_SECRET_PREVIOUS ", "LATCHKEY_SMTP_URL ", "LATCHKEY_DRAIN", "_FILE"} {
			if !strings.Contains(o.stdout, name) {
				t.Errorf("%v does not name %q", args, name)
			}
		}
		for _, own := range map[string][]string{"serve": {"--demo"}, "user": {"--role", "--password-stdin"}}[args[0]] {
			if at, settings := strings.Index(o.stdout, own), strings.Index(o.stdout, "--addr"); at < 0 || at > settings {
				t.Errorf("%v: %s stands after the settings", args, own)
			}
		}
	}
}

func TestAPortInUseProposesAnother(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	address := taken.Addr().String()
	command(t, modelstest.SQLite(t), "", "serve", "--addr="+address).refuses(t, 1, "LATCHKEY_ADDR: ", address, "in use", "LATCHKEY_ADDR=127.0.0.1:")
	command(t, modelstest.SQLite(t), "", "serve", "--addr=127.0.0.1:0", "--metrics-addr="+address).refuses(t, 1, "LATCHKEY_METRICS_ADDR: ", "in use", "LATCHKEY_METRICS_ADDR=127.0.0.1:")
}
