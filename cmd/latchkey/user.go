package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"latchkey/auth/notify"
	"latchkey/auth/operator"
	"latchkey/auth/services"
	"latchkey/models"
)

type userCommands struct {
	Add         userAdd         `cmd:"" help:"Create an account."`
	Invite      userInvite      `cmd:"" help:"Mail another link to an account that was invited and not used yet."`
	SetPassword userSetPassword `cmd:"" help:"Set a password and sign every device out."`
	SetEmail    userSetEmail    `cmd:"" help:"Give an account another address; nothing is signed out."`
	SetRole     userSetRole     `cmd:"" help:"Make an account a user's or the support staff's."`
	Disable     userDisable     `cmd:"" help:"Close an account and sign every device out."`
	Enable      userEnable      `cmd:"" help:"Open a disabled account again."`
	Reset       userReset       `cmd:"" name:"reset-factors" help:"Remove every passkey, the authenticator app and the recovery codes of an account, and end its trusted browsers."`
	SignOut     userSignOut     `cmd:"" help:"Sign every device of one account, or of all, out."`
	Delete      userDelete      `cmd:"" help:"Delete an account, its devices and all that leads to the person."`
	Show        userShow        `cmd:"" help:"Show an account, its factors and its live devices."`
	List        userList        `cmd:"" help:"List the accounts."`
}

type userAdd struct {
	Email  string `arg:"" help:"E-mail address."`
	Role   string `enum:"user,support" default:"user" help:"user or support."`
	Invite bool   `help:"Mail a link to choose the password, instead of printing one. Needs mail."`
	passwordOption
}

// Run creates an account.
func (c *userAdd) Run(env *environment) error {
	if c.Invite {
		return c.invite(env)
	}
	password, err := c.password(env)
	if err != nil {
		return err
	}
	return env.withServices(func(s *services.Services) error {
		add := s.Operator.AddUserGenerated
		if c.PasswordStdin {
			add = s.Operator.AddUser
		}
		u, err := add(env.ctx, c.Email, password, c.Role)
		if err != nil {
			return err
		}
		fmt.Fprintf(env.stdout, "Created %s (%s).\n", u.Email, u.Role)
		c.tell(env, password)
		return enrolNote(env, s, u)
	})
}

func (c *userAdd) invite(env *environment) error {
	if c.PasswordStdin {
		return usageError{"user add takes --invite or --password-stdin, not both"}
	}
	return env.withServices(func(s *services.Services) error {
		u, err := s.Operator.AddInvited(env.ctx, c.Email, c.Role)
		if err != nil {
			return err
		}
		fmt.Fprintf(env.stdout, "Created %s (%s).\n%s", u.Email, u.Role, invitationNote)
		return nil
	})
}

// invitationNote says what becomes of an invitation. The command only writes the mail.
var invitationNote = fmt.Sprintf("The running server sends the invitation. Its link is good for %d days.\n", int(notify.InviteLife.Hours()/24))

type userInvite struct {
	Email string `arg:"" help:"E-mail address."`
}

// Run invites once more.
func (c *userInvite) Run(env *environment) error {
	return env.withServices(func(s *services.Services) error {
		if err := s.Operator.Invite(env.ctx, c.Email); err != nil {
			return err
		}
		fmt.Fprintf(env.stdout, "Invited %s again.\n%s", c.Email, invitationNote)
		return nil
	})
}

type userSetPassword struct {
	Email string `arg:"" help:"E-mail address."`
	passwordOption
}

// Run sets a password.
func (c *userSetPassword) Run(env *environment) error {
	password, err := c.password(env)
	if err != nil {
		return err
	}
	return env.withServices(func(s *services.Services) error {
		set := s.Operator.SetPasswordGenerated
		if c.PasswordStdin {
			set = s.Operator.SetPassword
		}
		n, err := set(env.ctx, c.Email, password)
		if err != nil {
			return err
		}
		fmt.Fprintf(env.stdout, "Set the password of %s and signed out %s.\n", c.Email, devices(n))
		c.tell(env, password)
		return nil
	})
}

type userSetEmail struct {
	Email string `arg:"" help:"E-mail address."`
	To    string `arg:"" help:"The new e-mail address."`
}

// Run changes an address.
func (c *userSetEmail) Run(env *environment) error {
	return env.withServices(func(s *services.Services) error {
		if err := s.Operator.SetEmail(env.ctx, c.Email, c.To); err != nil {
			return err
		}
		fmt.Fprintf(env.stdout, "The account of %s has the address %s now.\n", c.Email, c.To)
		return nil
	})
}

type userSetRole struct {
	Email string `arg:"" help:"E-mail address."`
	Role  string `arg:"" enum:"user,support" help:"user or support."`
}

// Run changes a role.
func (c *userSetRole) Run(env *environment) error {
	return env.withServices(func(s *services.Services) error {
		if err := s.Operator.SetRole(env.ctx, c.Email, c.Role); err != nil {
			return err
		}
		fmt.Fprintf(env.stdout, "%s has the role %s.\n", c.Email, c.Role)
		u, err := s.Operator.FindUser(env.ctx, c.Email)
		if err != nil {
			return err
		}
		return enrolNote(env, s, u)
	})
}

// enrolNote prints a new member of the support staff's code to set up a second step, where no mail is sent.
func enrolNote(env *environment, s *services.Services, u models.User) error {
	code, until, err := s.Operator.EnrolCode(env.ctx, u)
	if err != nil || code == "" {
		return err
	}
	printEnrolCode(env, code, until)
	return nil
}

func printEnrolCode(env *environment, code string, until time.Time) {
	fmt.Fprintf(env.stdout, "Set-up code: %s\nSupport staff must set up a second step before they see the support desk, and are asked for this code. It is shown once, works once, and is good until %s.\n",
		code, until.UTC().Format("2006-01-02 15:04 UTC"))
}

type userReset struct {
	Email string `arg:"" help:"E-mail address."`
}

// Run removes the factors of an account.
func (c *userReset) Run(env *environment) error {
	return env.withServices(func(s *services.Services) error {
		done, err := s.Operator.ResetFactors(env.ctx, c.Email)
		if err != nil {
			return err
		}
		fmt.Fprintf(env.stdout, "Reset the second step of %s: %s. Its devices stay signed in.\n", c.Email, removed(done))
		if done.Code != "" {
			printEnrolCode(env, done.Code, done.Until)
		}
		return nil
	})
}

// removed says what a reset has removed.
func removed(done operator.FactorsReset) string {
	var list []string
	if n := done.Removed.Passkeys; n > 0 {
		list = append(list, counted(n, "passkey"))
	}
	if done.Removed.App {
		list = append(list, "the authenticator app")
	}
	if done.Removed.Codes {
		list = append(list, "the recovery codes")
	}
	if done.Browsers > 0 {
		list = append(list, counted(done.Browsers, "trusted browser"))
	}
	if len(list) == 0 {
		return "there was nothing to remove"
	}
	return "removed " + strings.Join(list, ", ")
}

type userDisable struct {
	Email string `arg:"" help:"E-mail address."`
}

// Run disables an account.
func (c *userDisable) Run(env *environment) error {
	return env.withServices(func(s *services.Services) error {
		n, err := s.Operator.Disable(env.ctx, c.Email)
		if err != nil {
			return err
		}
		fmt.Fprintf(env.stdout, "Disabled %s and signed out %s.\n", c.Email, devices(n))
		return nil
	})
}

type userEnable struct {
	Email string `arg:"" help:"E-mail address."`
}

// Run enables an account.
func (c *userEnable) Run(env *environment) error {
	return env.withServices(func(s *services.Services) error {
		if err := s.Operator.Enable(env.ctx, c.Email); err != nil {
			return err
		}
		fmt.Fprintf(env.stdout, "Enabled %s.\n", c.Email)
		return nil
	})
}

type userSignOut struct {
	Email string `arg:"" optional:"" help:"E-mail address."`
	All   bool   `help:"Every account."`
}

// Run signs out.
func (c *userSignOut) Run(env *environment) error {
	if (c.Email == "") != c.All {
		return usageError{"user sign-out takes an e-mail address or --all"}
	}
	return env.withServices(func(s *services.Services) error {
		signOut := func() (int64, error) { return s.Operator.SignOutUser(env.ctx, c.Email) }
		if c.All {
			signOut = func() (int64, error) { return s.Operator.SignOutEverybody(env.ctx) }
		}
		n, err := signOut()
		if err != nil {
			return err
		}
		fmt.Fprintf(env.stdout, "Signed out %s.\n", devices(n))
		return nil
	})
}

type userList struct {
	JSON bool `name:"json" help:"One JSON object a line."`
}

// Run lists the accounts.
func (c *userList) Run(env *environment) error {
	return env.withServices(func(s *services.Services) error {
		lines := json.NewEncoder(env.stdout)
		return s.Operator.EachUser(env.ctx, func(u models.User) error {
			if c.JSON {
				return lines.Encode(map[string]any{
					"id": u.ID, "email": u.Email, "role": u.Role, "created_at": u.CreatedAt, "disabled_at": u.DisabledAt, "invited": u.Invited(), "second_factor": u.SecondFactor,
				})
			}
			_, err := fmt.Fprintf(env.stdout, "%-8s %-8s %s  %s\n", u.Role, stateOf(u), u.CreatedAt.Format(time.DateOnly), u.Email)
			return err
		})
	})
}

func devices(n int64) string { return counted(n, "device") }

// counted is a number with its noun.
func counted[N int | int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
