package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"latchkey/auth/services"
	"latchkey/auth/webhook"
)

type webhookCommands struct {
	Add    webhookAdd    `cmd:"" help:"Tell a system of events. Prints the secret that signs what it is told."`
	List   webhookList   `cmd:"" help:"List them."`
	Remove webhookRemove `cmd:"" help:"Tell a system no more."`
	Test   webhookTest   `cmd:"" help:"Send a test message now, and print the answer's status."`
	Rotate webhookRotate `cmd:"" help:"Make another secret. The former one signs as well for a day."`
}

type webhookAdd struct {
	URL   string   `arg:"" help:"Where to send them: https, or http on this machine."`
	Event []string `help:"A type of message, such as device.revoked. Repeatable; none: all." placeholder:"TYPE"`
	JSON  bool     `name:"json" help:"As one JSON object."`
}

// Run adds a webhook.
func (c *webhookAdd) Run(env *environment) error {
	return env.withServices(func(s *services.Services) error {
		added, err := s.Webhooks.Add(env.ctx, c.URL, c.Event)
		if err != nil {
			return err
		}
		return printWebhookSecret(env, added, c.JSON)
	})
}

func printWebhookSecret(env *environment, w webhook.Added, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(env.stdout).Encode(map[string]string{"id": w.ID, "secret": w.Secret})
	}
	fmt.Fprintf(env.stdout, "Webhook %s\nSecret: %s\nThis is the only time that the secret is shown. The receiver checks the signature of each message with it.\n", w.ID, w.Secret)
	return nil
}

type webhookList struct {
	JSON bool `name:"json" help:"One JSON object a line."`
}

// Run lists the webhooks.
func (c *webhookList) Run(env *environment) error {
	return env.withServices(func(s *services.Services) error {
		list, err := s.Webhooks.List(env.ctx)
		if err != nil {
			return err
		}
		lines := json.NewEncoder(env.stdout)
		for _, w := range list {
			types := webhook.TypesOf(w)
			if c.JSON {
				if err := lines.Encode(map[string]any{"id": w.ID, "url": w.URL, "events": types, "created_at": w.CreatedAt, "disabled_at": w.DisabledAt}); err != nil {
					return err
				}
				continue
			}
			told := "everything"
			if len(types) > 0 {
				told = strings.Join(types, " ")
			}
			if w.DisabledAt != nil {
				told += "  (off since " + w.DisabledAt.UTC().Format(time.DateTime) + " UTC: it answered 410; rotate turns it on)"
			}
			fmt.Fprintf(env.stdout, "%s  %s  %s\n", w.ID, w.URL, told)
		}
		return nil
	})
}

type webhookRemove struct {
	ID string `arg:"" help:"As in the list."`
}

// Run removes a webhook.
func (c *webhookRemove) Run(env *environment) error {
	return env.withServices(func(s *services.Services) error {
		if err := s.Webhooks.Remove(env.ctx, c.ID); err != nil {
			return err
		}
		fmt.Fprintf(env.stdout, "Removed %s.\n", c.ID)
		return nil
	})
}

type webhookTest struct {
	ID string `arg:"" help:"As in the list."`
}

// Run sends a test message.
func (c *webhookTest) Run(env *environment) error {
	return env.withServices(func(s *services.Services) error {
		status, err := s.Webhooks.Test(env.ctx, c.ID)
		switch {
		case err != nil:
			return err
		case status/100 != 2:
			return fmt.Errorf("it answered %d, and should answer 2xx", status)
		}
		fmt.Fprintf(env.stdout, "It answered %d.\n", status)
		return nil
	})
}

type webhookRotate struct {
	ID   string `arg:"" help:"As in the list."`
	JSON bool   `name:"json" help:"As one JSON object."`
}

// Run makes another secret.
func (c *webhookRotate) Run(env *environment) error {
	return env.withServices(func(s *services.Services) error {
		rotated, err := s.Webhooks.Rotate(env.ctx, c.ID)
		if err != nil {
			return err
		}
		return printWebhookSecret(env, rotated, c.JSON)
	})
}
