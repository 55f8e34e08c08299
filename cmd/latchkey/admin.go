package main

import (
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"latchkey/auth/keys"
	"latchkey/auth/services"
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
