// Command loadgen puts a Latchkey server on this machine under load, with closed-loop clients: each sends its next
// request when the last one was answered. It is bounded in time and count, and refuses any address but loopback.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/alecthomas/kong"
)

// options are what a run is told.
type options struct {
	Scenario string        `arg:"" enum:"login,refresh,whoami,mixed" help:"login, refresh, whoami, or mixed (1 % login, 94 % refresh, 4 % whoami, 1 % revoke)."`
	URL      string        `default:"http://localhost:8080" help:"Base URL of the server; loopback only."`
	Clients  int           `default:"8" help:"Closed-loop clients, at most 512."`
	Duration time.Duration `default:"10s" help:"How long, at most 10m."`
	Requests int64         `default:"2000000" help:"How many requests at most."`
	Rate     float64       `help:"Requests a second of all clients together; 0: as fast as they are answered."`
	Devices  int           `default:"1" help:"Devices of each client, at most 10,000, which it refreshes in turn."`
	Email    string        `default:"ada@example.com" help:"The account that signs in; {n} in it stands for the client's number modulo --accounts."`
	Accounts int           `default:"1" help:"How many accounts {n} tells apart. One may sign in 30 times in 15 minutes."`
	Password string        `env:"LOADGEN_PASSWORD" help:"Its password; the variable keeps it out of ps."`
	DPoP     bool          `name:"dpop" help:"Refresh devices that are bound to keys (RFC 9449); their proofs are made before the clock starts, 3,600 for each client."`
	Tokens   string        `help:"File of signed-in devices: read when it is there, written after signing in otherwise."`
	PID      int           `help:"Process id of the server, whose private memory is reported."`
	JSON     bool          `name:"json" help:"The report as one JSON object."`
	Quiet    bool          `help:"No progress on standard error."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var o options
	kong.Parse(&o, kong.Name("loadgen"), kong.Description("Load for a Latchkey server on this machine."))
	if err := run(ctx, o, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "loadgen:", err)
		os.Exit(1) // nothing is left to stop
	}
}

func run(ctx context.Context, o options, stdout, stderr io.Writer) error {
	if o.Quiet {
		stderr = io.Discard
	}
	if err := o.check(); err != nil {
		return err
	}
	devices, err := o.signedIn(ctx, stderr)
	if err != nil {
		return err
	}
	report, err := load(ctx, o, devices, stderr)
	if err != nil {
		return err
	}
	if o.JSON {
		return report.writeJSON(stdout)
	}
	return report.write(stdout)
}
