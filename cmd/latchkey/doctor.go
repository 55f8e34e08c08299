package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"latchkey/auth/keys"
	"latchkey/auth/mail"
	"latchkey/auth/services"
	"latchkey/models"
)

type doctorCommand struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// The levels of a finding.
const (
	levelOK      = "ok"
	levelWarning = "warning"
	levelProblem = "problem"
	levelSkipped = "skipped" // what the check needs is not there; another finding says why
)

// finding is what a check found.
type finding struct {
	Check string `json:"check"`
	Level string `json:"level"`
	Says  string `json:"says"`
	Do    string `json:"do,omitempty"` // what the operator should do
}

// doctor makes the checks. It changes nothing.
type doctor struct {
	env      *environment
	settings Settings // as serve reads them, those in files included
	readable bool     // the settings in files could be read
	findings []finding

	store     *models.Store        // nil: there is no database, or it cannot be read
	condition models.Condition     // of the store
	current   bool                 // its schema is that of this program
	services  *services.Services   // nil: without the store, its schema or the secret
	published []string             // the ids of its signing keys
	presented *tls.ConnectionState // by the base URL; nil: without TLS
}

// Run makes all checks and prints what they found. It returns an error when there is a problem.
func (c *doctorCommand) Run(env *environment) error {
	d := &doctor{env: env, settings: env.settings}
	defer d.close()
	for _, check := range []func(context.Context){
		d.checkSettings, d.checkDatabase, d.checkCitus, d.checkClock, d.checkSecret, d.checkKeys, d.checkOutbox, d.checkLogout, d.checkWebhooks, d.checkMail, d.checkBaseURL, d.checkProxies,
	} {
		ctx, cancel := context.WithTimeout(env.ctx, 20*time.Second)
		check(ctx)
		cancel()
	}
	if err := d.print(env.stdout, c.JSON); err != nil {
		return err
	}
	if n := d.count(levelProblem); n > 0 {
		return fmt.Errorf("%s found", counted(n, "problem"))
	}
	return nil
}

func (d *doctor) close() {
	if d.store != nil {
		_ = d.store.Close()
	}
}

func (d *doctor) ok(check, says string)          { d.add(finding{check, levelOK, says, ""}) }
func (d *doctor) warn(check, says, do string)    { d.add(finding{check, levelWarning, says, do}) }
func (d *doctor) problem(check, says, do string) { d.add(finding{check, levelProblem, says, do}) }
func (d *doctor) skip(check, because string)     { d.add(finding{check, levelSkipped, because, ""}) }

// add keeps line breaks out of what is printed, and e-mail addresses: errors of other systems may hold them. Those of the settings are
// our own, and show what is meant: no-reply@example.com.
func (d *doctor) add(f finding) {
	f.Says, f.Do = oneLine(errors.New(f.Says)), oneLine(errors.New(f.Do))
	if f.Check != "settings" {
		f.Says = mail.Scrub(f.Says)
	}
	d.findings = append(d.findings, f)
}

func (d *doctor) count(level string) (n int) {
	for _, f := range d.findings {
		if f.Level == level {
			n++
		}
	}
	return n
}

func (d *doctor) print(out io.Writer, asJSON bool) error {
	if asJSON {
		to := json.NewEncoder(out)
		to.SetEscapeHTML(false)
		return to.Encode(struct {
			OK       bool      `json:"ok"`
			Version  string    `json:"version"`
			Findings []finding `json:"findings"`
		}{d.count(levelProblem) == 0, readBuild().Version, d.findings})
	}
	var b strings.Builder
	for _, f := range d.findings {
		fmt.Fprintf(&b, "%-8s %-9s %s\n", f.Level, f.Check, f.Says)
		if f.Do != "" {
			fmt.Fprintf(&b, "%18s → %s\n", "", f.Do)
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// checkKeys reads the signing keys.
func (d *doctor) checkKeys(ctx context.Context) {
	const check = "keys"
	if d.services == nil {
		d.skip(check, "without the database, its schema and the server secret they cannot be read")
		return
	}
	found, err := d.services.Keys.Inspect(ctx)
	switch {
	case err != nil:
		d.problem(check, keyError(err).Error(), "The server does not start without them. Compare the secret with your copy of it.")
	case len(found.Published) == 0:
		d.ok(check, "none yet: the server makes them at its first start")
	default:
		d.published = found.Published
		d.judgeKeys(found)
	}
}

func (d *doctor) judgeKeys(found keys.Inspection) {
	const check = "keys"
	before := len(d.findings)
	if found.SignsSince.After(time.Now()) {
		d.problem(check, fmt.Sprintf("the key that signs has its turn only from %s on: a clock was wrong, when it was made or now", found.SignsSince.Format(time.RFC3339)),
			"Set the clock of this machine by NTP. If it is right now, run latchkey keys rotate --now.")
	}
	if found.Overdue {
		d.warn(check, "the next signing key was not made: no server with these settings has run for a while",
			"Start latchkey serve. If it runs, read the warnings in its log.")
	}
	if found.Stale > 0 {
		d.warn(check, counted(found.Stale, "key")+" still sealed under a previous secret",
			"Keep LATCHKEY_SECRET_PREVIOUS until a server has started with the present secret: it seals them again.")
	}
	if len(d.findings) == before {
		d.ok(check, fmt.Sprintf("%s, all opened; %s signs since %s", counted(len(found.Published), "key"), found.Alg, found.SignsSince.UTC().Format(time.RFC3339)))
	}
}
