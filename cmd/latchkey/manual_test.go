package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// The man page and the completions of a release are made from the commands here, so that the server need not hold what makes them.

var writeManual = flag.Bool("write-manual", false, "write the man page and the completions into cmd/release/files")

func TestTheManualAndCompletionsAreThoseOfTheCommands(t *testing.T) {
	var c cli
	parser, err := c.parser(io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for name, make := range map[string]func(*kong.Application) string{
		"latchkey.1": manual, "latchkey.bash": bashCompletion, "_latchkey": zshCompletion, "latchkey.fish": fishCompletion,
	} {
		path, want := releaseFile(name), make(parser.Model)
		if *writeManual {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%s is not that of the commands: run make manual and commit it (%v)", path, err)
		}
	}
}

// releaseFile is where a file that a release packs lies.
func releaseFile(name string) string {
	return filepath.Join(repoRoot, "cmd", "release", "files", name)
}

// manual writes latchkey(1) in the macros of man(7).
func manual(model *kong.Application) string {
	var b strings.Builder
	b.WriteString(`.\" Made by make manual: change the help texts of cmd/latchkey instead.
.TH LATCHKEY 1 "" "Latchkey" "Latchkey"
.SH NAME
latchkey, latchkey\-admin \- self\-hosted sign\-in server
.SH SYNOPSIS
.B latchkey
.I command
.RI [ arguments ]
.RI [ flags ]
.br
.B latchkey\-admin
.I command
.RI [ arguments ]
.RI [ flags ]
.SH DESCRIPTION
People sign in with a password or a passkey, in the browser or in an app, and see and sign out their devices.
.B latchkey serve
is the server. The other commands administer its database.
.PP
.B latchkey\-admin
comes with the Debian package. It runs a command with the settings of the service and as its user.
.SH COMMANDS
`)
	for _, node := range model.Leaves(true) {
		fmt.Fprintf(&b, ".SS latchkey %s\n%s\n", roff(node.Summary()), roff(node.Help))
		for _, argument := range node.Positional {
			fmt.Fprintf(&b, ".TP\n.I %s\n%s\n", roff(argument.Name), roff(argument.Help))
		}
		for _, f := range node.Flags {
			if !f.Hidden && f.Name != "help" {
				fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(flagName(f)), roff(f.Help))
			}
		}
	}
	b.WriteString(".SH SETTINGS\nEach setting is a variable and a flag; the flag wins. Durations are like 15m or 720h.\n")
	for _, f := range model.Flags {
		if len(f.Envs) == 0 {
			continue
		}
		help := f.Help
		if f.Default != "" {
			help += " Default: " + f.Default + "."
		}
		fmt.Fprintf(&b, ".TP\n.BR %s , \" %s\"\n%s\n", roff(f.Envs[0]), roff(flagName(f)), roff(help))
	}
	b.WriteString(".PP\nThese have no flag, for a flag shows in the list of processes. Each can stand in a file, which the same variable with\n.I _FILE\n" +
		"after it names, or in a credential of systemd with the name of the variable in small letters\n.RI ( latchkey_secret ).\n")
	for _, setting := range regexp.MustCompile(`(?m)^  (LATCHKEY_\w+) +(.+)$`).FindAllStringSubmatch(settingGroups[0].Description, -1) {
		fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(setting[1]), roff(setting[2]))
	}
	b.WriteString(`.SH EXIT STATUS
.TP
.B 0
The command is done.
.TP
.B 1
It failed. One line on standard error says why.
.TP
.B 2
It was called wrongly, or a setting is wrong.
.SH FILES
These are of the Debian package.
.TP
.I /etc/latchkey/latchkey.env
The settings of the service.
.TP
.I /etc/latchkey/credentials/
Settings that must stay secret, each in a file:
.IR database ", " secret ", " secret_previous ", " smtp_url .
.TP
.I /var/lib/latchkey/
The embedded database
.RI ( data/latchkey.db )
and its secret.
.SH SEE ALSO
.IR /usr/share/doc/latchkey/OPERATIONS.md
`)
	return b.String()
}

func flagName(f *kong.Flag) string {
	if f.IsBool() {
		return "--" + f.Name
	}
	return "--" + f.Name + "=" + strings.Trim(f.FormatPlaceHolder(), `"`)
}

// roff keeps a text from being read as a macro or as an escape, and hyphens as they are typed.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, `"`, `\(dq`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}

func TestTheManualIsAManPage(t *testing.T) {
	man := tool(t, "man")
	command := exec.Command(man, "--warnings", "-l", releaseFile("latchkey.1"))
	command.Env = append(os.Environ(), "MANWIDTH=100", "LC_ALL=C.UTF-8", "MAN_KEEP_FORMATTING=")
	var complaints bytes.Buffer
	command.Stderr = &complaints
	page, err := command.Output()
	if err != nil || complaints.Len() > 0 {
		t.Fatalf("man: %v: %s", err, complaints.String())
	}
	text := strings.Join(strings.Fields(string(page)), " ")
	for _, want := range []string{"latchkey user add <email>", "--password-stdin", "LATCHKEY_ACCESS_TTL, --access-ttl=15m", "Default: 15m.", "LATCHKEY_SMTP_URL", "latchkey-admin - self-hosted sign-in server", "latchkey_secret"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// tool finds a program that a test needs. Without it the test is skipped, and fails in CI.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if path, err = exec.LookPath(filepath.Join("/usr/sbin", name)); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatalf("%s is missing", name)
			}
			t.Skipf("%s is missing", name)
		}
	}
	return path
}
