package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

type healthcheckCommand struct {
	URL string `arg:"" optional:"" help:"Base URL of the server. Default: the listen address."`
}

// Run asks a running server whether it is ready.
func (c *healthcheckCommand) Run(env *environment) error {
	target := c.URL
	if target == "" {
		host, port, err := net.SplitHostPort(env.settings.Addr)
		if err != nil {
			return settingError("LATCHKEY_ADDR", err)
		}
		if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
			host = "localhost"
		}
		target = "http://" + net.JoinHostPort(host, port)
	}
	u, err := url.Parse(target)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return usageError{"the URL must be one like http://localhost:8080"}
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/readyz"
	}
	ctx, cancel := context.WithTimeout(env.ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return fmt.Errorf("healthcheck: %w", err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("not ready: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s answered %s", u.Redacted(), answer.Status)
	}
	fmt.Fprintln(env.stdout, "ready")
	return nil
}
