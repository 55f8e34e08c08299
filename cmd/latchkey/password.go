package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"latchkey/auth/operator"
)

type passwordOption struct {
	PasswordStdin bool `help:"Read the password from standard input; otherwise one is made and printed once."`
}

// password reads or makes one.
func (o passwordOption) password(env *environment) (string, error) {
	if !o.PasswordStdin {
		return operator.NewPassword(env.settings.PasswordMin), nil
	}
	line, err := bufio.NewReader(io.LimitReader(env.stdin, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}

func (o passwordOption) tell(env *environment, password string) {
	if !o.PasswordStdin {
		fmt.Fprintf(env.stdout, "Password: %s\nIt must be changed at the first sign-in, on the website.\n", password)
	}
}
