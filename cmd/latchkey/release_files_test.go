package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What a release brings beside the binary names settings. A setting that is renamed must be renamed there, too.
func TestFilesOfAReleaseNameSettingsThatExist(t *testing.T) {
	names := regexp.MustCompile(`LATCHKEY_[A-Z_]+[A-Z]`)
	known := append(knownSettings(), "LATCHKEY_NAME")
	for name, least := range map[string]int{"latchkey.env": 4, "latchkey.service": 2, "latchkey-admin": 4, "Dockerfile": 1, "compose.yaml": 5} {
		text := readReleaseFile(t, name)
		found := names.FindAllString(text, -1)
		for _, variable := range found {
			if !slices.Contains(known, variable) {
				t.Errorf("%s names %s, which is no setting", name, variable)
			}
		}
		if len(found) < least {
			t.Errorf("%s names %d settings", name, len(found))
		}
	}
}

// Their values, those of the samples in the comments included, are ones that a server takes.
func TestFilesOfAReleaseHaveValuesThatASettingTakes(t *testing.T) {
	assignment := regexp.MustCompile(`(?m)^(?:#|ENV | +)?(LATCHKEY_[A-Z_]+)(?:='?|: )([^'\n]+)`)
	for name, least := range map[string]int{"latchkey.env": 4, "Dockerfile": 1, "compose.yaml": 5} {
		t.Run(name, func(t *testing.T) {
			found := assignment.FindAllStringSubmatch(readReleaseFile(t, name), -1)
			for _, a := range found {
				t.Setenv(a[1], a[2])
			}
			var c cli
			if _, err := c.parse([]string{"version"}, io.Discard, io.Discard); err != nil || len(found) < least {
				t.Errorf("%d settings: %v", len(found), err)
			}
		})
	}
}

// Units and scripts load credentials by the names that the server looks for.
func TestThePackageHandsOverEverySecretSetting(t *testing.T) {
	unit, script, env := readReleaseFile(t, "latchkey.service"), readReleaseFile(t, "latchkey-admin"), readReleaseFile(t, "latchkey.env")
	if !strings.Contains(unit, "\nLoadCredential=latchkey:/etc/latchkey/credentials\n") {
		t.Error("the unit loads no credentials") // systemd puts latchkey_ before the name of each file
	}
	for _, setting := range []string{"LATCHKEY_DATABASE", "LATCHKEY_SECRET", "LATCHKEY_SECRET_PREVIOUS", "LATCHKEY_SMTP_URL"} {
		file := strings.ToLower(strings.TrimPrefix(setting, "LATCHKEY_"))
		if !strings.Contains(script, "\ncredential "+file+" "+setting+"\n") || !strings.Contains(env, file) {
			t.Errorf("%s is not handed over from the file %s", setting, file)
		}
	}
}

// The proxy of the compose file is configured in the file itself.
func TestCaddyTakesTheConfigurationInTheComposeFile(t *testing.T) {
	_, after, found := strings.Cut(readReleaseFile(t, "compose.yaml"), "    content: |\n")
	site, _, ended := strings.Cut(after, "\nsecrets:")
	if !found || !ended {
		t.Fatal("the compose file has no Caddyfile")
	}
	conf := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(conf, []byte(strings.ReplaceAll(site, "      ", "")), 0o600); err != nil {
		t.Fatal(err)
	}
	validate := exec.Command(tool(t, "caddy"), "validate", "--adapter", "caddyfile", "--config", conf)
	validate.Env = append(os.Environ(), "HOME="+t.TempDir(), "XDG_DATA_HOME="+t.TempDir())
	if out, err := validate.CombinedOutput(); err != nil {
		t.Errorf("caddy validate: %v: %s", err, out)
	}
}

func readReleaseFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(releaseFile(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
