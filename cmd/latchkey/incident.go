package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/user"
	"time"

	"github.com/google/uuid"

	"latchkey/auth"
	"latchkey/auth/incident"
	"latchkey/auth/services"
	"latchkey/models"
)

type incidentCommands struct {
	Revoke incidentRevoke `cmd:"" help:"Sign out every device that a filter selects: first --preview, then --confirm with the id of the preview. A running server goes on when this command dies."`
	List   incidentList   `cmd:"" help:"List the incidents, and the previews that can be confirmed."`
	Show   incidentShow   `cmd:"" help:"Show an incident, how far it has got, and who has signed in again since."`
	Pause  incidentPause  `cmd:"" help:"Pause an incident. What is signed out stays so."`
	Resume incidentResume `cmd:"" help:"Go on with an incident that was paused, or whose command died, and watch it."`
}

// incidentFilter are the flags that select devices. Each one that is given must hold.
type incidentFilter struct {
	Client      []string `sep:"none" help:"Apps of this client_id. Repeatable: one of them. Browsers signed in to the portal have none." placeholder:"ID"`
	CreatedFrom string   `help:"Signed in at this time or later, such as 2026-11-28T09:00:00Z (RFC 3339)." placeholder:"TIME"`
	CreatedTo   string   `help:"Signed in before this time." placeholder:"TIME"`
	Network     []string `sep:"none" help:"Signed in from an IP address in this network, such as 203.0.113.0/24 or 2001:db8::/32. Repeatable: one of them." placeholder:"CIDR"`
	Unbound     bool     `help:"Not bound to a key (DPoP): a copy of its sign-in works elsewhere."`
}

func (c incidentFilter) filter() (f models.IncidentFilter, err error) {
	f.Clients, f.Unbound = c.Client, c.Unbound
	for _, network := range c.Network {
		p, err := netip.ParsePrefix(network)
		if err != nil {
			return f, usageError{fmt.Sprintf("--network: %q is no network in CIDR notation, such as 203.0.113.0/24", network)}
		}
		f.Networks = append(f.Networks, p)
	}
	if f.From, err = readTime("--created-from", c.CreatedFrom); err == nil {
		f.To, err = readTime("--created-to", c.CreatedTo)
	}
	return f, err
}

func readTime(flag, text string) (*time.Time, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // the flag was not given
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return nil, usageError{fmt.Sprintf("%s: %q is no time with its zone, such as 2026-11-28T09:00:00Z", flag, text)}
	}
	return &at, nil
}

type incidentRevoke struct {
	incidentFilter
	RequireReset bool          `help:"Lock the passwords of the accounts as well: each owner must choose a new one by mail. Ends trusted browsers, open codes and challenges, and the passkeys, apps and recovery codes that were added since --created-from."`
	Over         time.Duration `xor:"pace" help:"With --confirm: spread the work over so long, so that people do not all come back at once." placeholder:"DURATION"`
	Now          bool          `xor:"pace" help:"With --confirm: as fast as it may. The default."`
	Say          string        `help:"With --confirm: what the mails to the owners say about the incident, beside our words. Plain text without links, up to 500 characters." placeholder:"TEXT"`
	Preview      bool          `xor:"act" required:"" help:"Count what would be signed out, and print the id to confirm. Changes nothing."`
	Confirm      string        `xor:"act" required:"" help:"Sign out what this preview counted. It must not be older than 10 minutes." placeholder:"PREVIEW"`
}

// Run previews an incident, or starts it and works on it.
func (c *incidentRevoke) Run(env *environment) error {
	f, err := c.filter()
	if err != nil {
		return err
	}
	r := incident.Request{Filter: f, RequireReset: c.RequireReset, By: whoRuns()}
	if c.Preview {
		if c.Over != 0 || c.Now || c.Say != "" {
			return usageError{"--over, --now and --say go with --confirm"}
		}
		return env.withServices(func(s *services.Services) error { return previewIncident(env, s, r) })
	}
	id, err := readIncidentID(c.Confirm)
	if err != nil {
		return err
	}
	return env.withServices(func(s *services.Services) error {
		i, err := s.Incidents.Confirm(env.ctx, id, r, incident.Start{Over: c.Over, Words: c.Say})
		if err != nil {
			return orUsage(err)
		}
		return watchIncident(env, s, i)
	})
}

func previewIncident(env *environment, s *services.Services, r incident.Request) error {
	i, err := s.Incidents.Preview(env.ctx, r)
	if err != nil {
		return orUsage(err)
	}
	wave, err := s.Incidents.Wave(env.ctx, i)
	if err != nil {
		return err
	}
	printPreview(env.stdout, i, wave)
	return nil
}

// orUsage makes a mistake in how a command was called of a refusal that names a flag.
func orUsage(err error) error {
	var refusal *auth.Error
	if errors.As(err, &refusal) && refusal.Kind == auth.KindInvalidRequest {
		return usageError{oneLine(err)}
	}
	return err
}

// whoRuns names the user of the operating system who runs this command, for the record.
func whoRuns() string {
	name := os.Getenv("SUDO_USER")
	if u, err := user.Current(); name == "" && err == nil {
		name = u.Username
	}
	host, _ := os.Hostname()
	return cmp.Or(name, "unknown") + "@" + cmp.Or(host, "unknown")
}

func readIncidentID(text string) (uuid.UUID, error) {
	id, err := uuid.Parse(text)
	if err != nil {
		return id, usageError{fmt.Sprintf("%q is no id of an incident: latchkey incident list shows them", text)}
	}
	return id, nil
}

// incidentID is the argument of the commands about one incident.
type incidentID struct {
	ID string `arg:"" help:"Id of the incident."`
}

type incidentPause struct{ incidentID }

// Run pauses an incident.
func (c *incidentPause) Run(env *environment) error {
	id, err := readIncidentID(c.ID)
	if err != nil {
		return err
	}
	return env.withServices(func(s *services.Services) error {
		i, err := s.Incidents.Pause(env.ctx, id)
		if err != nil {
			return err
		}
		fmt.Fprintf(env.stdout, "Paused after %s of about %d. To go on: latchkey incident resume %s\n", devices(i.Devices), i.Counts.Devices, i.ID)
		return nil
	})
}

type incidentResume struct{ incidentID }

// Run goes on with an incident.
func (c *incidentResume) Run(env *environment) error {
	id, err := readIncidentID(c.ID)
	if err != nil {
		return err
	}
	return env.withServices(func(s *services.Services) error {
		i, err := s.Incidents.Resume(env.ctx, id)
		if err != nil {
			return err
		}
		return watchIncident(env, s, i)
	})
}

type incidentList struct{}

// Run lists the incidents.
func (c *incidentList) Run(env *environment) error {
	return env.withServices(func(s *services.Services) error {
		list, err := s.Incidents.List(env.ctx)
		if err != nil {
			return err
		}
		return printIncidents(env.stdout, list)
	})
}

type incidentShow struct{ incidentID }

// Run shows an incident.
func (c *incidentShow) Run(env *environment) error {
	id, err := readIncidentID(c.ID)
	if err != nil {
		return err
	}
	return env.withServices(func(s *services.Services) error { return showIncident(env, s, id) })
}

func showIncident(env *environment, s *services.Services, id uuid.UUID) error {
	i, back, err := s.Incidents.Show(env.ctx, id)
	if err != nil {
		return err
	}
	printIncident(env.stdout, i, back, s.Revocations.Bound())
	return nil
}
