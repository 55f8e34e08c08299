package main

import (
	_ "embed"
	"io"
)

// What operators of Prometheus and Grafana begin with. Each name of a metric in these files is tested to be one that a server shows.
var (
	//go:embed monitoring/dashboard.json
	dashboard string
	//go:embed monitoring/alerts.yaml
	alerts string
)

type monitoringCommands struct {
	Dashboard dashboardCommand `cmd:"" help:"Print a dashboard for Grafana."`
	Alerts    alertsCommand    `cmd:"" help:"Print alert rules for Prometheus."`
}

type dashboardCommand struct{}

// Run prints the dashboard, to be imported into Grafana.
func (c *dashboardCommand) Run(env *environment) error {
	_, err := io.WriteString(env.stdout, dashboard)
	return err
}

type alertsCommand struct{}

// Run prints the rules, for a file that rule_files of Prometheus names.
func (c *alertsCommand) Run(env *environment) error {
	_, err := io.WriteString(env.stdout, alerts)
	return err
}
