package main

import (
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"latchkey/auth/keys"
	"latchkey/auth/services"
	"latchkey/models"
)

type keysCommands struct {
	List   keysList   `cmd:"" help:"List the signing keys."`
	Rotate keysRotate `cmd:"" help:"Make the next key sign, once every server can know it."`
}

type keysList struct{}

// Run lists the signing keys.
func (c *keysList) Run(env *environment) error {
	return env.withServices(func(s *services.Services) error {
		list, err := s.Keys.List(env.ctx)
		if err != nil {
			return keyError(err)
		}
		table := tabwriter.NewWriter(env.stdout, 0, 4, 2, ' ', 0)
		for _, k := range list {
			state := "published"
			switch {
			case k.Signing:
				state = "signing"
			case k.Next:
				state = "next"
			}
			fmt.Fprintf(table, "%s\t%s\t%s\tsigns from %s\n", k.ID, k.Alg, state, k.SignsFrom.Format(time.RFC3339))
		}
		return table.Flush()
	})
}

type keysRotate struct {
	Now bool `help:"Insist, though servers that cache the key set may not know the next key: they refuse new tokens until they fetch it, at most five minutes. For a key that leaked."`
}

// Run rotates the signing keys.
func (c *keysRotate) Run(env *environment) error {
	return env.withServices(func(s *services.Services) error {
		rotate := s.Keys.RotateAnnounced
		if c.Now {
			rotate = s.Keys.Rotate
		}
		err := rotate(env.ctx)
		if tooNew := (*keys.TooNew)(nil); errors.As(err, &tooNew) {
			return fmt.Errorf("%w. Wait until then, or insist with --now", err)
		}
		if err != nil {
			return keyError(err)
		}
		fmt.Fprintln(env.stdout, "The next key signs now; running servers follow within seconds. Tokens signed before stay good.")
		return nil
	})
}

type clientCommands struct {
	Add    clientAdd    `cmd:"" help:"Register an app. Once one is registered, no other client_id can sign in."`
	List   clientList   `cmd:"" help:"List the registered apps."`
	Remove clientRemove `cmd:"" help:"Forget an app: no one can sign in with it any more. Devices signed in with it keep refreshing until they are signed out."`
}

type clientAdd struct {
	Public bool   `default:"true" help:"A public client (RFC 6749 §2.1), the only type there is; may be left out."`
	Name   string `arg:"" help:"What people call the app."`
}

// Run registers an app.
func (c *clientAdd) Run(env *environment) error {
	return env.withServices(func(s *services.Services) error {
		client, err := s.Clients.Add(env.ctx, c.Name)
		if err != nil {
			return err
		}
		fmt.Fprintf(env.stdout, "Registered %s.\nclient_id: %s\n", client.Name, client.ID)
		return nil
	})
}

type clientList struct{}

// Run lists the registered apps.
func (c *clientList) Run(env *environment) error {
	return env.withServices(func(s *services.Services) error {
		list, err := s.Clients.List(env.ctx)
		if err != nil {
			return err
		}
		for _, client := range list {
			fmt.Fprintf(env.stdout, "%s  %s  %s\n", client.ID, client.CreatedAt.Format(time.DateOnly), client.Name)
		}
		return nil
	})
}

type clientRemove struct {
	ID string `arg:"" name:"id" help:"The client_id."`
}

// Run forgets an app.
func (c *clientRemove) Run(env *environment) error {
	return env.withServices(func(s *services.Services) error {
		err := s.Clients.Remove(env.ctx, c.ID)
		if errors.Is(err, models.ErrNotFound) {
			return fmt.Errorf("there is no client %q: latchkey client list shows the ids", c.ID)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(env.stdout, "Removed %s. Devices signed in with it keep refreshing until they are signed out.\n", c.ID)
		return nil
	})
}

type sweepCommand struct{}

// Run deletes what is past retention.
func (c *sweepCommand) Run(env *environment) error {
	return env.withServices(func(s *services.Services) error {
		n, err := s.Operator.Sweep(env.ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(env.stdout, "Deleted %s.\n", counted(n, "row"))
		return nil
	})
}
