package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"latchkey/auth/mail"
	"latchkey/auth/notify"
	"latchkey/models"
)

// mailTestTime bounds a test mail: no server that works takes longer.
const mailTestTime = 2 * time.Minute

type mailCommands struct {
	Test mailTest `cmd:"" help:"Send one mail with the current settings."`
}

type mailTest struct {
	Address string `arg:"" help:"E-mail address of the recipient."`
}

// Run sends one mail, and needs no database for it.
func (c *mailTest) Run(env *environment) error {
	to := strings.TrimSpace(c.Address)
	if _, err := mail.Deliverable(to); err != nil {
		return usageError{"ADDRESS: " + err.Error()}
	}
	sender, err := env.settings.smtp()
	if err != nil {
		return err
	}
	if sender == nil {
		return errors.New("LATCHKEY_SMTP_URL: is not set, so no mail is sent")
	}
	now := time.Now()
	brand, err := env.settings.brand()
	if err != nil {
		return err
	}
	words, err := brand.MailRenderer(env.settings.origin(nil), env.settings.Languages...)(notify.Notification{Kind: notify.KindTest, At: now, To: to})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(env.ctx, mailTestTime)
	defer cancel()
	err = sender.Send(ctx, mail.Message{ID: models.NewID(now).String(), To: to, Subject: words.Subject, Text: words.Text, HTML: words.HTML, Logo: words.Logo, At: now})
	if err != nil {
		return err
	}
	fmt.Fprintf(env.stdout, "The mail server %s took the mail to %s. Look into that mailbox, and among its spam.\n", sender.Server(), to)
	return nil
}
