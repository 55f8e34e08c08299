package main

import (
	"context"
	"fmt"
	"time"
)

const (
	// tooLate is how long mails and messages may wait before the doctor speaks of it.
	tooLate = 10 * time.Minute
	// doctorPatience is how long another system may take for each of its answers.
	doctorPatience = 5 * time.Second
)

// checkOutbox looks for mails that should have been sent.
func (d *doctor) checkOutbox(ctx context.Context) {
	const check = "outbox"
	if d.services == nil {
		d.skip(check, "without the database, its schema and the server secret it cannot be read")
		return
	}
	before := len(d.findings)
	if n, err := d.services.Notify.WaitingIncidents(ctx); err == nil && n > 0 && d.services.Notify.IncidentRate() == 0 {
		d.warn(check, counted(n, "account")+" not told of an incident: LATCHKEY_INCIDENT_MAIL_RATE is 0", "Set a rate within 7 days of the incident: then the mails are dropped.")
	}
	late, err := d.services.Notify.Late(ctx, tooLate)
	switch {
	case err != nil:
		d.problem(check, err.Error(), "Look at the database.")
	case late.Waiting == 0 && len(d.findings) == before:
		d.ok(check, "no mail is late")
	case late.Waiting > 0:
		d.warn(check, fmt.Sprintf("%s late; the oldest waits since %s", counted(late.Waiting, "mail"), late.Oldest.UTC().Format(time.RFC3339)),
			"See that latchkey serve runs with the mail settings, and read its warnings about mails.")
	}
}

// checkWebhooks looks for messages that should have been taken, and for webhooks that were turned off.
func (d *doctor) checkWebhooks(ctx context.Context) {
	const check = "webhooks"
	if d.services == nil {
		d.skip(check, "without the database, its schema and the server secret they cannot be read")
		return
	}
	before := len(d.findings)
	n, age, err := d.services.Webhooks.Waiting(ctx)
	if err == nil && n > 0 && age > tooLate {
		d.warn(check, fmt.Sprintf("%s waiting, the oldest for %s", counted(n, "message"), age.Round(time.Second)),
			"Test each with latchkey webhook test ID. See that latchkey serve runs.")
	}
	list, listErr := d.services.Webhooks.List(ctx)
	for _, w := range list {
		if w.DisabledAt != nil {
			d.warn(check, w.ID+" is off since it answered that it is gone", "latchkey webhook rotate "+w.ID+" turns it on; latchkey webhook remove "+w.ID+" removes it.")
		}
	}
	switch {
	case err != nil || listErr != nil:
		d.problem(check, "they cannot be read", "Look at the database.")
	case len(d.findings) == before:
		d.ok(check, counted(len(list), "webhook")+", and no message is late")
	}
}

// checkLogout looks for notices of sign-outs that clients should have taken.
func (d *doctor) checkLogout(ctx context.Context) {
	const check = "logout"
	if d.services == nil {
		d.skip(check, "without the database, its schema and the server secret notices of sign-outs cannot be read")
		return
	}
	late, err := d.services.Logout.Late(ctx, tooLate)
	switch {
	case err != nil:
		d.problem(check, err.Error(), "Look at the database.")
	case len(late) == 0:
		d.ok(check, "no client is late in taking a notice of a sign-out")
	}
	for _, l := range late {
		d.warn(check, fmt.Sprintf("the client %s was not told of %s; the oldest waits since %s", l.ClientID, counted(int(l.Waiting), "sign-out"), l.Oldest.UTC().Format(time.RFC3339)),
			"See that latchkey serve runs, and read its warnings about this client: does its back-channel logout URI (latchkey client show "+l.ClientID+") answer within 5 seconds?")
	}
}

// checkMail signs in to the mail server, and sends nothing.
func (d *doctor) checkMail(ctx context.Context) {
	const check = "mail"
	if !d.readable {
		d.skip(check, "the settings could not be read")
		return
	}
	sender, err := d.settings.smtp()
	switch {
	case err != nil:
		d.skip(check, "the settings of mail are wrong")
		return
	case sender == nil:
		d.warn(check, "off: no alerts about new sign-ins, no password resets, no confirmations", "Set LATCHKEY_SMTP_URL and LATCHKEY_MAIL_FROM.")
		return
	}
	sender.Timeout = doctorPatience
	state, err := sender.Check(ctx)
	if err != nil {
		d.problem(check, sender.Server()+": "+err.Error(), "Compare LATCHKEY_SMTP_URL with what the provider of the mail server says, and see that no firewall closes the port.")
		return
	}
	if d.endsSoon(check, sender.Server(), state) {
		return
	}
	d.ok(check, sender.Server()+" takes the connection and the login. latchkey mail test ADDRESS sends a mail")
}
