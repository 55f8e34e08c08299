package main

import (
	"cmp"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// defaultDatabase is where the embedded database lies.
const defaultDatabase = "sqlite:data/latchkey.db"

// readVariables reads the settings that have no flag.
func (s *Settings) readVariables() {
	s.Secret, s.SecretPrevious = os.Getenv("LATCHKEY_SECRET"), os.Getenv("LATCHKEY_SECRET_PREVIOUS")
	s.SMTPURL = os.Getenv("LATCHKEY_SMTP_URL")
	s.Database = os.Getenv("LATCHKEY_DATABASE")
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
	known := []string{"LATCHKEY_DATABASE", "LATCHKEY_SECRET", "LATCHKEY_SECRET_PREVIOUS", "LATCHKEY_SMTP_URL"}
	t := reflect.TypeFor[Settings]()
	for i := range t.NumField() {
		known = append(known, t.Field(i).Tag.Get("env"))
	}
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "LATCHKEY_") && !strings.HasPrefix(name, "LATCHKEY_TEST_") && !slices.Contains(known, name) {
			unknown = append(unknown, name)
		}
	}
	return unknown
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
