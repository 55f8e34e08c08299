package main

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"latchkey/auth/client"
	"latchkey/auth/services"
	"latchkey/models"
)

type clientCommands struct {
	Add    clientAdd    `cmd:"" help:"Register an app. Once one is registered that signs people in by itself, no other client_id can sign in."`
	Show   clientShow   `cmd:"" help:"Show a registered app."`
	Update clientUpdate `cmd:"" help:"Change a registered app. A list that is given replaces the whole list; an empty value clears it."`
	List   clientList   `cmd:"" help:"List the registered apps."`
	Remove clientRemove `cmd:"" help:"Forget an app: no one can sign in with it any more. Devices signed in with it keep refreshing until they are signed out."`
}

// clientLists are the flags of add and update that may be repeated.
type clientLists struct {
	RedirectURI   []string `name:"redirect-uri" sep:"none" help:"Where browsers bring the answer of a sign-in: https, a scheme with a dot (com.example.app:/callback), or http on 127.0.0.1 or [::1] with any port. Compared exactly. Repeatable." placeholder:"URI"`
	PostLogoutURI []string `name:"post-logout-uri" sep:"none" help:"Where browsers may go after a sign-out. Repeatable." placeholder:"URI"`
	Origin        []string `sep:"none" help:"Pages whose scripts may call the API (CORS): https://app.example.com, capacitor://localhost, app://. or, for development, http://localhost:5173. Repeatable." placeholder:"ORIGIN"`
	Scope         []string `sep:"none" help:"What its access tokens may do here (own_devices:read, own_devices:write) or at your servers (a name of yours). None: a first-party app, which may do all that an app can, with the account as well. The backend's users:*, credentials:*, devices:write and events:read need --confidential. Repeatable." placeholder:"SCOPE"`
	IOSApp        []string `name:"ios-app" sep:"none" help:"An iOS app that uses people's passkeys: the prefix of its App ID, usually the team's, and its bundle. Repeatable." placeholder:"TEAM.BUNDLE"`
	AndroidApp    []string `name:"android-app" sep:"none" help:"An Android app that uses people's passkeys: its package, and the SHA-256 of its signing certificate as keytool prints it. Repeatable." placeholder:"PACKAGE=SHA256"`
}

// clientLimits are the flags of add and update for the limits of the client's devices.
type clientLimits struct {
	Lifetime   *time.Duration `help:"Absolute life of its devices, fixed at sign-in, such as 168h. LATCHKEY_DEVICE_LIFETIME counts where it is shorter. 0: no limit of its own." placeholder:"DURATION"`
	Idle       *time.Duration `help:"Its devices unseen for so long must sign in again. LATCHKEY_DEVICE_IDLE counts where it is shorter. 0: no limit of its own." placeholder:"DURATION"`
	MaxDevices *int           `name:"devices" help:"Live devices of one account. LATCHKEY_MAX_DEVICES counts as well. 0: no limit of its own." placeholder:"N"`
	OnLimit    *string        `name:"on-limit" help:"What a sign-in past --devices does: refuse, the default, or replace-oldest, which signs out the device unseen longest, at most N times a day of one account." placeholder:"refuse|replace-oldest"`
}

func (c clientLimits) limits() client.Limits {
	return client.Limits{Lifetime: c.Lifetime, Idle: c.Idle, MaxDevices: c.MaxDevices, OnLimit: c.OnLimit}
}

type clientAdd struct {
	Name string `arg:"" help:"What people call the app."`

	ID                   string `help:"The client_id. Default: a random one." placeholder:"ID"`
	Public               bool   `xor:"type" help:"A public client (RFC 6749 §2.1), as apps on devices and in browsers are. The default."`
	Confidential         bool   `xor:"type" help:"A client with a secret, which is shown once."`
	BackchannelLogoutURI string `name:"backchannel-logout-uri" help:"Is told of every sign-out." placeholder:"URI"`
	DeviceGrant          bool   `help:"People may approve it with a code (RFC 8628)."`
	SSO                  bool   `name:"sso" help:"A browser that is signed in may sign in to it without another proof."`
	clientLimits
	clientLists
	jsonOption
}

// Run registers an app.
func (c *clientAdd) Run(env *environment) error {
	return env.withServices(func(s *services.Services) error {
		added, err := s.Clients.Add(env.ctx, client.Registration{
			Name: c.Name, ID: c.ID, IOSApps: c.IOSApp, AndroidApps: c.AndroidApp, RedirectURIs: c.RedirectURI, PostLogoutURIs: c.PostLogoutURI,
			Origins: c.Origin, BackchannelLogoutURI: c.BackchannelLogoutURI, Confidential: c.Confidential, DeviceGrant: c.DeviceGrant, SSO: c.SSO, Scopes: c.Scope, Limits: c.limits(),
		})
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(env.stdout, newClientFile(added.Client, added.Secret))
		}
		fmt.Fprintf(env.stdout, "Registered %s.\nclient_id: %s\n", added.Name, added.ID)
		printSecret(env.stdout, added.Secret)
		printClient(env.stdout, "", added.Client)
		if added.IOSApps+added.AndroidApps != "" {
			fmt.Fprintln(env.stdout, "Running servers name these apps within seconds. Apple and Google may take a day to look again.")
		}
		return nil
	})
}

type clientShow struct {
	ID string `arg:"" name:"id" help:"The client_id."`
	jsonOption
}

// Run shows an app.
func (c *clientShow) Run(env *environment) error {
	return env.withServices(func(s *services.Services) error {
		found, err := s.Clients.Find(env.ctx, c.ID)
		if err != nil {
			return noClient(c.ID, err)
		}
		return c.print(env.stdout, found, "")
	})
}

type clientUpdate struct {
	ID string `arg:"" name:"id" help:"The client_id."`

	Name                 *string `help:"What people call the app." placeholder:"NAME"`
	Public               bool    `xor:"type" help:"Take its secret away."`
	Confidential         bool    `xor:"type" help:"Give it a secret, which is shown once, unless it has one."`
	NewSecret            bool    `help:"Give it another secret, which is shown once. The old one ends within ten seconds."`
	BackchannelLogoutURI *string `name:"backchannel-logout-uri" help:"Is told of every sign-out." placeholder:"URI"`
	DeviceGrant          *bool   `negatable:"" help:"People may approve it with a code (RFC 8628)."`
	SSO                  *bool   `name:"sso" negatable:"" help:"A browser that is signed in may sign in to it without another proof."`
	clientLimits
	clientLists
	jsonOption
}

// Run changes an app.
func (c *clientUpdate) Run(env *environment) error {
	change := client.Change{
		Name: c.Name, IOSApps: c.IOSApp, AndroidApps: c.AndroidApp, RedirectURIs: c.RedirectURI, PostLogoutURIs: c.PostLogoutURI, Origins: c.Origin,
		Scopes: c.Scope, BackchannelLogoutURI: c.BackchannelLogoutURI, DeviceGrant: c.DeviceGrant, SSO: c.SSO,
		Confidential: c.Confidential, Public: c.Public, NewSecret: c.NewSecret, Limits: c.limits(),
	}
	if reflect.DeepEqual(change, client.Change{}) {
		return usageError{"client update takes what to change: latchkey client update --help lists the flags"}
	}
	return env.withServices(func(s *services.Services) error {
		updated, err := s.Clients.Update(env.ctx, c.ID, change)
		if err != nil {
			return noClient(c.ID, err)
		}
		if !c.JSON {
			fmt.Fprintf(env.stdout, "Updated %s. Running servers follow within seconds.\n", updated.Name)
		}
		return c.print(env.stdout, updated.Client, updated.Secret)
	})
}

type clientList struct{ jsonOption }

// Run lists the registered apps.
func (c *clientList) Run(env *environment) error {
	return env.withServices(func(s *services.Services) error {
		list, err := s.Clients.List(env.ctx)
		if err != nil {
			return err
		}
		for _, one := range list {
			if err := c.print(env.stdout, one, ""); err != nil {
				return err
			}
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
		found, err := s.Clients.Find(env.ctx, c.ID)
		if err == nil {
			err = s.Clients.Remove(env.ctx, c.ID)
		}
		if err != nil {
			return noClient(c.ID, err)
		}
		fmt.Fprintf(env.stdout, "Removed %s. Devices signed in with it keep refreshing until they are signed out.\n", c.ID)
		if found.Confidential() {
			fmt.Fprintln(env.stdout, "They no longer need its secret.")
		}
		return nil
	})
}

// noClient names an unknown client, and returns any other error as it is.
func noClient(id string, err error) error {
	if errors.Is(err, models.ErrNotFound) {
		return fmt.Errorf("there is no client %q: latchkey client list shows the ids", id)
	}
	return err
}
