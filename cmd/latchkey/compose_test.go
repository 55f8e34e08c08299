package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pb33f/go-yaml"

	"latchkey/models/modelstest"
)

// composeFile is what this test runs of the compose file.
type composeFile struct {
	Services map[string]struct {
		Environment map[string]string
		Secrets     []string
		Healthcheck struct{ Test []string }
		Deploy      struct{ Replicas int }
		Grace       string `yaml:"stop_grace_period"`
		ReadOnly    bool   `yaml:"read_only"`
	}
	Configs map[string]struct{ Content string }
}

// The services of the compose file, without an engine: PostgreSQL, two replicas and Caddy as processes of this machine, with the very variables, secrets,
// commands and health checks. A replica sees nothing but what the Dockerfile copies, read-only, and is the user that it names. All share the network of this
// machine, so the ports differ, Caddy gets the replicas' addresses instead of their name in DNS, and no certificate.
func TestTheComposeFileServes(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("another root folder needs root")
	}
	text := readReleaseFile(t, "compose.yaml")
	var c composeFile
	if err := yaml.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	secrets := makeSecrets(t, text)
	database := composedPostgres(t, c, secrets)
	if err := os.Chmod(filepath.Join(secrets, "database"), 0o644); err != nil {
		t.Fatal(err)
	}
	inSecret := replaced(t, string(content(t, filepath.Join(secrets, "database"))), "postgres:5432", "postgres:"+database.Port())
	if err := os.WriteFile(filepath.Join(secrets, "database"), []byte(inSecret), 0o444); err != nil {
		t.Fatal(err)
	}
	service := c.Services["latchkey"]
	var replicas []*container
	var upstreams []string
	for range service.Deploy.Replicas {
		one := newContainer(t, service.Environment, secrets, service.Secrets, service.ReadOnly)
		one.child = startChild(t, one.command(one.image.Cmd...))
		eventually(t, time.Minute, "a replica is healthy", func() bool { return one.command(one.image.Health[1:]...).Run() == nil })
		replicas, upstreams = append(replicas, one), append(upstreams, one.address)
	}
	add := newContainer(t, service.Environment, secrets, service.Secrets, service.ReadOnly).command("user", "add", "you@example.com", "--password-stdin")
	add.Stdin = strings.NewReader(password)
	if out, err := add.CombinedOutput(); err != nil || !strings.Contains(text, "docker compose run --rm latchkey user add you@example.com") {
		t.Fatalf("user add: %v: %s", err, out)
	}
	base := composedCaddy(t, c.Configs["caddyfile"].Content, upstreams)
	device := login(t, base, "you@example.com", password, "phone").want(t, 200)
	for _, one := range replicas {
		device = refresh(t, "http://"+one.address, device.field("refresh_token")).want(t, 200)
	}
	grace, err := time.ParseDuration(service.Grace)
	if err != nil {
		t.Fatal(err)
	}
	leaving := replicas[0]
	if err := leaving.child.cmd.Process.Signal(syscall.SIGTERM); err != nil { // as STOPSIGNAL says
		t.Fatal(err)
	}
	eventually(t, time.Minute, "the replica that stops says so", func() bool {
		return get(t, "http://"+leaving.address+"/readyz").status == http.StatusServiceUnavailable
	})
	for ended := false; !ended; { // the other one serves all the while
		device = refresh(t, "http://"+replicas[1].address, device.field("refresh_token")).want(t, 200)
		whoami(t, base, device.field("access_token")).want(t, 200)
		select {
		case <-leaving.child.ended:
			ended = true
		case <-time.After(200 * time.Millisecond):
		}
	}
	if o := leaving.child.end(t, grace); o.code != 0 {
		t.Errorf("exit %d: %s", o.code, o.stderr)
	}
	for range 5 { // Caddy finds the one that is left
		whoami(t, base, device.field("access_token")).want(t, 200)
	}
}

// makeSecrets runs the commands at the head of the compose file, and returns the folder that they make.
func makeSecrets(t *testing.T, text string) (folder string) {
	t.Helper()
	tool(t, "openssl")
	_, lines, found := strings.Cut(text, "Before the first start:\n")
	lines, _, ended := strings.Cut(lines, "# Then:")
	if !found || !ended {
		t.Fatal("the compose file does not say how to make the secrets")
	}
	sh := exec.CommandContext(t.Context(), "sh", "-euc", regexp.MustCompile(`(?m)^# +`).ReplaceAllString(lines, ""))
	sh.Dir = t.TempDir()
	if out, err := sh.CombinedOutput(); err != nil {
		t.Fatalf("make the secrets: %v: %s", err, out)
	}
	folder = filepath.Join(sh.Dir, "secrets")
	if info, err := os.Stat(folder); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v %v", info, err)
	}
	return folder
}

// composedPostgres starts PostgreSQL as its image does, with the role, database and password of the compose file, and asks its health check.
func composedPostgres(t *testing.T, c composeFile, secrets string) *url.URL {
	t.Helper()
	service := c.Services["postgres"]
	cluster := modelstest.StartCluster(t)
	at, err := url.Parse(cluster.URL("latchkey"))
	if err != nil {
		t.Fatal(err)
	}
	if service.Environment["POSTGRES_USER"] != modelstest.Role || service.Environment["POSTGRES_DB"] != "latchkey" || service.Environment["POSTGRES_PASSWORD_FILE"] != "/run/secrets/postgres_password" {
		t.Fatalf("PostgreSQL is made with %v", service.Environment)
	}
	// The password is the content of the file, without a line break at its end.
	word := strings.TrimRight(string(content(t, filepath.Join(secrets, "postgres_password"))), "\n")
	if err := cluster.Exec("ALTER ROLE latchkey SUPERUSER PASSWORD '" + word + "'"); err != nil {
		t.Fatal(err)
	}
	check := service.Healthcheck.Test
	if len(check) < 2 || check[0] != "CMD" {
		t.Fatalf("the health check of PostgreSQL is %q", check)
	}
	if out, err := cluster.Shell(strings.Join(check[1:], " "), "PGUSER="); err != nil || !strings.Contains(out, "accepting connections") {
		t.Errorf("the health check of PostgreSQL: %v: %s", err, out)
	}
	return at
}

// composedCaddy starts the proxy of the compose file before some replicas.
func composedCaddy(t *testing.T, site string, replicas []string) (base string) {
	t.Helper()
	caddy, address := tool(t, "caddy"), freeAddress(t)
	base = "http://" + address
	dynamic := regexp.MustCompile(`(?s)dynamic a latchkey 8080 \{.*?\}`).FindString(site)
	site = replaced(t, site, "id.example.com {", base+" {", dynamic, "to "+strings.Join(replicas, " "))
	conf := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(conf, []byte("{\n\tadmin off\n\tauto_https off\n}\n"+site), 0o600); err != nil {
		t.Fatal(err)
	}
	runProxy(t, address, caddy, "run", "--adapter", "caddyfile", "--config", conf)
	return base
}

// imageConfig is what the Dockerfile says of how its image runs.
type imageConfig struct {
	Entrypoint, Cmd, Health []string
	env, paths              []string
	folder                  string
	user                    syscall.Credential
}

func readDockerfile(t *testing.T) (i imageConfig) {
	t.Helper()
	_, last, ok := strings.Cut(readReleaseFile(t, "Dockerfile"), "\nFROM scratch\n")
	if !ok {
		t.Fatal("the image is not made from scratch")
	}
	list := func(text string) (words []string) {
		if err := json.Unmarshal([]byte(text), &words); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return words
	}
	for line := range strings.Lines(last) {
		instruction, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch instruction {
		case "ENV":
			i.env = append(i.env, rest)
		case "WORKDIR":
			i.folder = rest
		case "USER":
			if n, err := fmt.Sscanf(rest, "%d:%d", &i.user.Uid, &i.user.Gid); n != 2 {
				t.Fatal(err)
			}
		case "COPY":
			i.paths = append(i.paths, rest[strings.LastIndexByte(rest, ' ')+1:])
		case "ENTRYPOINT":
			i.Entrypoint = list(rest)
		case "CMD":
			i.Cmd = list(rest)
		case "HEALTHCHECK":
			_, command, _ := strings.Cut(rest, " CMD ")
			i.Health = list(command)
		}
	}
	if len(i.Entrypoint) != 1 || len(i.Cmd) != 1 || len(i.Health) != 2 || i.Health[0] != i.Entrypoint[0] || i.user.Uid == 0 {
		t.Fatalf("%+v", i)
	}
	return i
}

// container is a root folder with nothing in it but what the image has, and what the engine adds.
type container struct {
	image   imageConfig
	root    string
	address string // where it serves
	env     []string
	child   *child
}

func newContainer(t *testing.T, environment map[string]string, secrets string, names []string, readOnly bool) *container {
	t.Helper()
	program, err := binary()
	if err != nil {
		t.Fatalf("build: %v", err)
	}
	c := &container{image: readDockerfile(t), address: freeAddress(t)}
	if c.root, err = os.MkdirTemp("", "latchkey-container-"); err != nil { // t.TempDir's parent is closed to others
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(c.root) })
	put := func(path string, body []byte, mode os.FileMode) {
		t.Helper()
		path = filepath.Join(c.root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, body, mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range c.image.paths {
		switch path {
		case c.image.Entrypoint[0]:
			put(path, content(t, program.path), 0o755)
		case "/etc/ssl/certs/ca-certificates.crt":
			put(path, nil, 0o644)
		case "/", "/var/lib": // with /tmp, and with the folder of the data
			for _, folder := range []string{"/tmp", c.image.folder} {
				if err := os.MkdirAll(filepath.Join(c.root, folder), 0o755); err != nil {
					t.Fatal(err)
				}
			}
		default:
			t.Fatalf("the Dockerfile copies %s, which this test does not know", path)
		}
	}
	if err := os.Chmod(c.root, 0o755); err != nil || !readOnly { // all in it belongs to root: read-only for the image's user, /tmp included
		t.Fatal(err, readOnly)
	}
	if err := os.Chown(filepath.Join(c.root, c.image.folder), int(c.image.user.Uid), int(c.image.user.Gid)); err != nil { // a volume
		t.Fatal(err)
	}
	put("/etc/hosts", []byte("127.0.0.1 localhost postgres\n"), 0o644)
	for _, name := range names {
		put("/run/secrets/"+name, content(t, filepath.Join(secrets, name)), 0o444)
	}
	c.env = append(c.env, c.image.env...)
	for name, value := range environment {
		c.env = append(c.env, name+"="+value)
	}
	c.env = append(c.env, "LATCHKEY_ADDR="+c.address) // the last one counts
	return c
}

// command is a run of the image's entry point.
func (c *container) command(args ...string) *exec.Cmd {
	cmd := exec.Command(c.image.Entrypoint[0], args...)
	cmd.Dir, cmd.Env = c.image.folder, c.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: c.root, Credential: &c.image.user}
	return cmd
}
