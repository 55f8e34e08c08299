package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// defaultDatabase is where the embedded database lies.
const defaultDatabase = "sqlite:data/latchkey.db"

// settingGroups put the flags of a command before those that set what every command goes by.
var settingGroups = []kong.Group{{
	Key: "settings", Title: "Settings, by variable or by flag:",
	Description: `By variable only, for a flag shows in the list of processes; each may stand in a file, named by the same variable with _FILE after it (LATCHKEY_DATABASE_FILE):
  LATCHKEY_DATABASE         sqlite:PATH or a postgres:// URL (` + defaultDatabase + `)
  LATCHKEY_SECRET           the server secret: base64 of at least 32 random bytes
  LATCHKEY_SECRET_PREVIOUS  older secrets that are still accepted, separated by commas
  LATCHKEY_SMTP_URL         mail server: smtp://user:password@host:port or smtps://...`,
}}

// findCredentials takes the settings without a flag from files that systemd hands over (LoadCredential=): latchkey_secret holds
// LATCHKEY_SECRET, and so on.
func (s *Settings) findCredentials() error {
	if s.Credentials == "" {
		return nil
	}
	for _, c := range []struct {
		name        string
		value, path *string
	}{
		{"LATCHKEY_DATABASE", &s.Database, &s.DatabaseFile},
		{"LATCHKEY_SECRET", &s.Secret, &s.SecretFile},
		{"LATCHKEY_SECRET_PREVIOUS", &s.SecretPrevious, &s.SecretPreviousFile},
		{"LATCHKEY_SMTP_URL", &s.SMTPURL, &s.SMTPURLFile},
	} {
		credential := strings.ToLower(c.name)
		path := filepath.Join(s.Credentials, credential)
		switch _, err := os.Stat(path); {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return settingError(c.name, err)
		case *c.value != "" || *c.path != "":
			return fmt.Errorf("%s is set twice: by variable, and by the credential %s of systemd", c.name, credential)
		}
		*c.path = path
	}
	s.Credentials = "" // read once
	return nil
}

// readFiles reads the settings that stand in files of their own. Nothing of what a file holds is ever part of an error.
func (s *Settings) readFiles() error {
	if err := s.findCredentials(); err != nil {
		return err
	}
	for _, f := range []struct {
		name       string
		path, into *string
	}{
		{"LATCHKEY_DATABASE", &s.DatabaseFile, &s.Database},
		{"LATCHKEY_SECRET_PREVIOUS", &s.SecretPreviousFile, &s.SecretPrevious},
		{"LATCHKEY_SMTP_URL", &s.SMTPURLFile, &s.SMTPURL},
	} {
		if *f.path == "" {
			continue
		}
		if *f.into != "" {
			return fmt.Errorf("%[1]s and %[1]s_FILE are both set", f.name)
		}
		text, err := readSettingFile(*f.path)
		if err != nil {
			return settingError(f.name+"_FILE", err)
		}
		*f.into, *f.path = text, "" // read once
	}
	return nil
}

// readSettingFile is what a file holds, without the line's end that editors and echo leave.
func readSettingFile(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	value := strings.TrimRight(string(text), "\r\n")
	if strings.TrimSpace(value) == "" {
		return "", fmt.Errorf("%s is empty", path)
	}
	return value, nil
}

// readVariables reads the settings that have no flag.
func (s *Settings) readVariables() {
	s.Secret, s.SecretPrevious = os.Getenv("LATCHKEY_SECRET"), os.Getenv("LATCHKEY_SECRET_PREVIOUS")
	s.SMTPURL, s.Credentials = os.Getenv("LATCHKEY_SMTP_URL"), os.Getenv("CREDENTIALS_DIRECTORY")
	s.Database = os.Getenv("LATCHKEY_DATABASE")
	s.DatabaseFile, s.SecretPreviousFile, s.SMTPURLFile = os.Getenv("LATCHKEY_DATABASE_FILE"), os.Getenv("LATCHKEY_SECRET_PREVIOUS_FILE"), os.Getenv("LATCHKEY_SMTP_URL_FILE")
}

func (s *Settings) database() string { return cmp.Or(s.Database, defaultDatabase) }

// forgetEmptySettings treats a variable that is set to nothing as not set: compose files and unit files leave such.
func forgetEmptySettings() {
	for _, entry := range os.Environ() {
		if name, value, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "LATCHKEY_") && value == "" {
			_ = os.Unsetenv(name)
		}
	}
}

// unknownSettings lists variables that look like settings and are none: mostly misspelt ones.
func unknownSettings() (unknown []string) {
	known := knownSettings()
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "LATCHKEY_") && !strings.HasPrefix(name, "LATCHKEY_TEST_") && !slices.Contains(known, name) {
			unknown = append(unknown, name)
		}
	}
	return unknown
}

// knownSettings are the variables that are settings.
func knownSettings() []string {
	known := []string{"LATCHKEY_DATABASE", "LATCHKEY_SECRET", "LATCHKEY_SECRET_PREVIOUS", "LATCHKEY_SMTP_URL",
		"LATCHKEY_DATABASE_FILE", "LATCHKEY_SECRET_PREVIOUS_FILE", "LATCHKEY_SMTP_URL_FILE"}
	t := reflect.TypeFor[Settings]()
	for i := range t.NumField() {
		known = append(known, t.Field(i).Tag.Get("env"))
	}
	return known
}

// bySettingName begins kong's complaint about a setting with the name of its variable, however it was given. Kong
// knows it by its flag alone ("--signup must be …"), which is not what the writer of a unit file looks for.
func bySettingName(flags []*kong.Flag, complaint string) string {
	for _, flag := range flags {
		rest, ok := strings.CutPrefix(complaint, "--"+flag.Name)
		if ok && len(flag.Envs) > 0 && strings.HasPrefix(strings.TrimLeft(rest, ":"), " ") {
			rest, _, _ = strings.Cut(rest, " (from envar ")
			return flag.Envs[0] + ": " + strings.TrimLeft(rest, ": ")
		}
	}
	return complaint
}
