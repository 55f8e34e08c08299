package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"latchkey/auth/client"
	"latchkey/auth/services"
	"latchkey/models"
)

type clientCommands struct {
	Add    clientAdd    `cmd:"" help:"Register an app. Once one is registered, no other client_id can sign in."`
	List   clientList   `cmd:"" help:"List the registered apps."`
	Remove clientRemove `cmd:"" help:"Forget an app: no one can sign in with it any more. Devices signed in with it keep refreshing until they are signed out."`
}

type clientAdd struct {
	Public bool   `default:"true" help:"A public client (RFC 6749 §2.1), the only type there is; may be left out."`
	Name   string `arg:"" help:"What people call the app."`

	ID         string   `help:"The client_id. Default: a random one." placeholder:"ID"`
	IOSApp     []string `name:"ios-app" sep:"none" help:"An iOS app that uses people's passkeys: the prefix of its App ID, usually the team's, and its bundle. Repeatable." placeholder:"TEAM.BUNDLE"`
	AndroidApp []string `name:"android-app" sep:"none" help:"An Android app that uses people's passkeys: its package, and the SHA-256 of its signing certificate as keytool prints it. Repeatable." placeholder:"PACKAGE=SHA256"`
}

// Run registers an app.
func (c *clientAdd) Run(env *environment) error {
	return env.withServices(func(s *services.Services) error {
		added, err := s.Clients.Add(env.ctx, client.Registration{Name: c.Name, ID: c.ID, IOSApps: c.IOSApp, AndroidApps: c.AndroidApp})
		if err != nil {
			return err
		}
		fmt.Fprintf(env.stdout, "Registered %s.\nclient_id: %s\n", added.Name, added.ID)
		printApps(env.stdout, "", added.Client)
		if added.IOSApps+added.AndroidApps != "" {
			fmt.Fprintln(env.stdout, "Running servers name these apps within seconds. Apple and Google may take a day to look again.")
		}
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
		for _, c := range list {
			fmt.Fprintf(env.stdout, "%s  %s  %s\n", c.ID, c.CreatedAt.Format(time.DateOnly), c.Name)
			printApps(env.stdout, "    ", c)
		}
		return nil
	})
}

// printApps prints the native apps of a client, each on a line of its own.
func printApps(w io.Writer, indent string, c models.Client) {
	apps := client.AppsOf(c)
	for _, app := range apps.IOS {
		fmt.Fprintf(w, "%siOS app: %s\n", indent, app)
	}
	for _, app := range apps.Android {
		for _, certificate := range app.Certificates {
			fmt.Fprintf(w, "%sAndroid app: %s %s\n", indent, app.Package, client.Fingerprint(certificate))
		}
	}
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
