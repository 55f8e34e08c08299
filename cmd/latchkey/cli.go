package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/alecthomas/kong"

	"latchkey/auth"
	"latchkey/auth/mail"
	"latchkey/auth/services"
	"latchkey/models"
)

// cli is every command.
type cli struct {
	Settings `group:"settings"`

	Serve       serveCommand       `cmd:"" help:"Serve the portal and the token endpoints until SIGINT or SIGTERM."`
	Migrate     migrateCommand     `cmd:"" help:"Bring the database schema up to date."`
	Backup      backupCommand      `cmd:"" help:"Copy an SQLite database into a new file, while servers use it."`
	Restore     restoreCommand     `cmd:"" help:"Put a copy that backup made in the place of the SQLite database. Stop the server first."`
	User        userCommands       `cmd:"" help:"Accounts."`
	Import      importCommands     `cmd:"" help:"Bring users of another system along."`
	Export      exportCommands     `cmd:"" help:"Take the users elsewhere."`
	Keys        keysCommands       `cmd:"" help:"Signing keys."`
	Client      clientCommands     `cmd:"" help:"Apps that may sign in (none registered: any)."`
	Webhook     webhookCommands    `cmd:"" help:"Systems of yours that are told of events."`
	Mail        mailCommands       `cmd:"" help:"Mail."`
	Incident    incidentCommands   `cmd:"" help:"Sign out many devices at once, after a security incident."`
	Sweep       sweepCommand       `cmd:"" help:"Delete what is past retention, once."`
	Doctor      doctorCommand      `cmd:"" help:"Check settings, database, secret, mail and the base URL; say what to do."`
	Healthcheck healthcheckCommand `cmd:"" help:"Exit 0 when a running server is ready."`
	Monitoring  monitoringCommands `cmd:"" help:"Files for Prometheus and Grafana."`
	Version     versionCommand     `cmd:"" help:"Print the version."`
}

// environment is what a command works with.
type environment struct {
	ctx            context.Context // one process, one command
	settings       Settings
	stdin          io.Reader
	stdout, stderr io.Writer
	gallery        bool // serve /gallery: a demonstration, on loopback only
	demo           bool // answer only to the names of this machine
}

// usageError is a mistake in how a command was called, or in a setting that it was given: exit code 2.
type usageError struct{ message string }

func (e usageError) Error() string { return e.message }

// parse reads the settings and the arguments. A usageError says what is wrong with them; the usage is printed with it
// only where a command is missing.
func (c *cli) parse(args []string, stdout, stderr io.Writer) (*kong.Context, error) {
	forgetEmptySettings()
	c.readVariables()
	parser, err := c.parser(stdout, stderr)
	if err != nil {
		return nil, err
	}
	command, err := parser.Parse(args)
	var wrong *kong.ParseError
	if !errors.As(err, &wrong) {
		return command, err
	}
	if wrong.Context != nil && wrong.Context.Error == nil {
		if node := wrong.Context.Selected(); node == nil || len(node.Children) > 0 {
			parser.Stdout = stderr
			_ = wrong.Context.PrintUsage(false)
		}
	}
	return nil, usageError{bySettingName(parser.Model.Flags, err.Error())}
}

// parser knows every command and setting, and fills c.
func (c *cli) parser(stdout, stderr io.Writer) (*kong.Kong, error) {
	return kong.New(c, kong.Name("latchkey"), kong.Description("Account portal and device-token service."), kong.ExplicitGroups(settingGroups),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true}), kong.Writers(stdout, stderr), kong.Exit(func(code int) { panic(exit(code)) }))
}

// oneLine says an error to an operator: which field, what is wrong, in one line.
func oneLine(err error) string {
	text := err.Error()
	var refusal *auth.Error
	if errors.As(err, &refusal) {
		switch {
		case len(refusal.Fields) > 0:
			text = refusal.Fields[0].Field + ": " + refusal.Fields[0].Detail
		case refusal.Kind == auth.KindNotFound:
			text = refusal.Message // the cause would say "not found" once more
		}
	}
	return strings.Join(strings.Fields(text), " ")
}

// exit carries an exit code out of kong, which ends --help by calling it.
type exit int

func recoverExit(code *int) {
	switch reason := recover().(type) {
	case nil:
	case exit:
		*code = int(reason)
	default:
		panic(reason)
	}
}

func (e *environment) logger() *slog.Logger {
	options := &slog.HandlerOptions{ReplaceAttr: withoutAddresses}
	if e.settings.Log == "json" {
		return slog.New(slog.NewJSONHandler(e.stderr, options))
	}
	return slog.New(slog.NewTextHandler(e.stderr, options))
}

// withoutAddresses keeps e-mail addresses out of the log, even where an error, a panic or a library brings one. A stack holds
// no values, and would lose its module versions; a level is one of four words.
func withoutAddresses(_ []string, a slog.Attr) slog.Attr {
	if a.Key == "stack" || a.Key == slog.LevelKey {
		return a
	}
	if kind := a.Value.Kind(); kind != slog.KindString && kind != slog.KindAny {
		return a
	}
	text := a.Value.String() // of an error its message
	if clean := mail.Scrub(text); clean != text {
		a.Value = slog.StringValue(clean)
	}
	return a
}

// withServices runs an administration command on a database that is there, whose schema it brings up to date first.
func (e *environment) withServices(fn func(*services.Services) error) error {
	store, service, err := e.open(true, nil)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	return fn(service)
}

// open opens the database, brings its schema up to date and makes the service. With existing it makes no database.
func (e *environment) open(existing bool, change func(*services.Config)) (*models.Store, *services.Services, error) {
	store, err := e.openStore(existing) // first, so that a secret is not made beside a database that cannot be
	if err != nil {
		return nil, nil, err
	}
	if existing {
		if err := e.needSchema(store); err != nil {
			_ = store.Close()
			return nil, nil, err
		}
	}
	service, err := e.newServices(store, change)
	if err != nil {
		_ = store.Close()
		return nil, nil, err
	}
	return store, service, nil
}

// hasKeys tells whether the database holds signing keys, which are sealed under a server secret.
func (e *environment) hasKeys(store *models.Store) (bool, error) {
	there, err := store.HasSchema(e.ctx)
	var keys []models.SigningKey
	if err == nil && there {
		keys, err = store.SigningKeys(e.ctx)
	}
	if err != nil {
		return false, settingError("LATCHKEY_DATABASE", err)
	}
	return len(keys) > 0, nil
}

// needSchema refuses a database whose tables were never made.
func (e *environment) needSchema(store *models.Store) error {
	there, err := store.HasSchema(e.ctx)
	if err == nil && !there {
		err = fmt.Errorf("the database has no tables yet: %s", makesOne)
	}
	if err != nil {
		return settingError("LATCHKEY_DATABASE", err)
	}
	return nil
}

// makesOne says how a database comes into being.
const makesOne = "latchkey migrate makes them, and so does the first latchkey serve"

// openStore opens the database. With existing it makes none.
func (e *environment) openStore(existing bool) (*models.Store, error) {
	if err := e.settings.readFiles(); err != nil {
		return nil, err
	}
	store, err := models.Open(e.ctx, models.Config{URL: e.settings.database(), Existing: existing, Conns: e.settings.DBConns, Logger: e.logger()})
	if errors.Is(err, models.ErrNoDatabase) {
		err = fmt.Errorf("%w: set the variable to where it is; %s", err, strings.Replace(makesOne, "them", "one", 1))
	}
	if err != nil {
		return nil, settingError("LATCHKEY_DATABASE", err)
	}
	return store, nil
}
