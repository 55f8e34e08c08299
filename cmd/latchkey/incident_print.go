package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"latchkey/auth/incident"
	"latchkey/auth/services"
	"latchkey/models"
)

// tellEvery is how often a line says how far an incident has got.
const tellEvery = 5 * time.Second

// watchIncident works on an incident, or watches the process that does, until it is done or paused.
func watchIncident(env *environment, s *services.Services, i models.Incident) error {
	fmt.Fprintf(env.stdout, "Incident %s: signing out %s.\n", i.ID, incident.Describe(i.Filter))
	began, from, told, id := time.Time{}, i.Devices, time.Time{}, i.ID
	i, err := s.Incidents.Work(env.ctx, i.ID, func(i models.Incident, here bool) {
		if began.IsZero() && i.Devices > from { // it waited until then
			began, from = time.Now(), i.Devices
		}
		if time.Since(told) < tellEvery {
			return
		}
		told = time.Now()
		fmt.Fprintf(env.stdout, "%s of about %d signed out%s%s\n", devices(i.Devices), i.Counts.Devices, left(i, i.Devices-from, time.Since(began)), elsewhere(here))
	})
	switch {
	case err != nil:
		return fmt.Errorf("%w; what is signed out stays so. To go on: latchkey incident resume %s", err, id)
	case i.State == models.IncidentRunning: // the command was told to stop
		return fmt.Errorf("stopped after %s. A running server goes on within seconds; latchkey incident pause %s stops it, and latchkey incident resume %s goes on here", devices(i.Devices), i.ID, i.ID)
	case i.State == models.IncidentPaused:
		fmt.Fprintf(env.stdout, "Paused. To go on: latchkey incident resume %s\n", i.ID)
		return nil
	}
	return showIncident(env, s, i.ID)
}

func elsewhere(here bool) string {
	if here {
		return ""
	}
	return " (another process does the work)"
}

// left says how long the rest takes if it goes on like this.
func left(i models.Incident, out int64, took time.Duration) string {
	rest := i.Counts.Devices - i.Devices
	if out <= 0 || rest <= 0 {
		return ""
	}
	return ", about " + roughly(time.Duration(float64(took)/float64(out)*float64(rest))) + " left"
}

// roughly is a duration as people say it.
func roughly(d time.Duration) string {
	switch {
	case d < time.Second:
		return "less than a second"
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	}
	return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
}

func printPreview(w io.Writer, i models.Incident, wave incident.Wave) {
	c := i.Counts
	fmt.Fprintf(w, "Nothing is signed out yet. This would sign out %s of %s, of %s that are signed in: %s.\n", devices(c.Devices), counted(c.Accounts, "account"), devices(c.Live), incident.Describe(i.Filter))
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, id := range slices.Sorted(maps.Keys(c.Clients)) {
		fmt.Fprintf(table, "  apps of %s\t%d\n", cmp.Or(id, "no client"), c.Clients[id])
	}
	fmt.Fprintf(table, "  browsers signed in to the portal\t%d\n", c.Browsers)
	fmt.Fprintf(table, "  bound to a key\t%d\n  not bound to a key\t%d\n", c.Bound, c.Devices-c.Bound)
	fmt.Fprintf(table, "  seen within the last day\t%d\n", c.Active)
	_ = table.Flush() // an error of standard output
	if c.NoAddress > 0 {
		fmt.Fprintf(w, "Left alone: %s whose sign-in has no known IP address.\n", devices(c.NoAddress))
	}
	if i.RequireReset {
		fmt.Fprintf(w, "It would lock the passwords of these accounts. Each owner must choose a new one by mail.\n")
	}
	fmt.Fprintf(w, "When all sign in again at once, this machine checks up to %s at %.0f a second: that takes %s.\n", counted(wave.Passwords, "password"), wave.Rate, roughly(wave.Lasts))
	if wave.Lasts > time.Minute {
		fmt.Fprintf(w, "--over %s spreads the sign-outs, so that fewer people come back at once. Stolen sign-ins work until their turn comes.\n", spread(wave.Lasts))
	}
	fmt.Fprintf(w, "To sign them out, before %s: latchkey incident revoke --confirm %s\n", i.CreatedAt.Add(incident.PreviewLife).Format("15:04 UTC"), i.ID)
}

// spread proposes how long the sign-outs should take, so that the sign-ins after them keep this machine busy for half of the time.
func spread(lasts time.Duration) string {
	for _, hours := range []int{1, 2, 4, 6, 12, 24, 48} {
		if 2*lasts <= time.Duration(hours)*time.Hour {
			return fmt.Sprintf("%dh", hours)
		}
	}
	return fmt.Sprintf("%dh", int(incident.MaxOver.Hours()))
}

func printIncidents(w io.Writer, list []models.Incident) error {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, i := range list {
		fmt.Fprintf(table, "%s\t%s\t%s\t%d of about %d\t%s\n", i.ID, i.State, i.CreatedAt.Format(time.RFC3339), i.Devices, i.Counts.Devices, cmp.Or(i.ConfirmedBy, i.CreatedBy))
	}
	return table.Flush()
}

// printIncident is the report. reaches is how soon a sign-out reaches resource servers.
func printIncident(w io.Writer, i models.Incident, back models.IncidentReturn, reaches time.Duration) {
	fmt.Fprintf(w, "Incident %s: %s.\nFilter: %s.\n", i.ID, i.State, incident.Describe(i.Filter))
	fmt.Fprintf(w, "Previewed by %s at %s: %s of %s.\n", i.CreatedBy, i.CreatedAt.Format(time.RFC3339), devices(i.Counts.Devices), counted(i.Counts.Accounts, "account"))
	if i.StartedAt == nil {
		fmt.Fprintln(w, "Not confirmed.")
		return
	}
	fmt.Fprintf(w, "Confirmed by %s at %s: only sign-ins from before are signed out.\n", i.ConfirmedBy, i.StartedAt.Format(time.RFC3339))
	if i.OverSeconds > 0 {
		fmt.Fprintf(w, "Spread over %s.\n", time.Duration(i.OverSeconds)*time.Second)
	}
	fmt.Fprintf(w, "Signed out: %s of %s, in %s, the slowest %s. Looked at: %d.\n", devices(i.Devices), counted(i.Accounts, "account"), batches(i.Batches), time.Duration(i.Slowest)*time.Microsecond, i.Seen)
	if i.RequireReset {
		fmt.Fprintln(w, "The passwords of these accounts were locked.")
	}
	if i.FinishedAt != nil {
		fmt.Fprintf(w, "Done at %s, after %s. Servers that read the status lists refuse the last of them from %s on.\n", i.FinishedAt.Format(time.RFC3339),
			roughly(i.FinishedAt.Sub(*i.StartedAt)), i.FinishedAt.Add(reaches).Format(time.RFC3339))
	}
	fmt.Fprintf(w, "Signed in again since the start: %d of these accounts, on %s. These stay signed in.\n", back.Accounts, devices(back.Devices))
}

func batches(n int64) string {
	if n == 1 {
		return "1 batch"
	}
	return fmt.Sprintf("%d batches", n)
}
