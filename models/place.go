package models

import (
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Place tells an operator which database a URL names: the absolute path of an SQLite file, or the name and hosts of a PostgreSQL database.
// It holds no user and no password. It returns "database" for a URL that cannot be read.
func Place(databaseURL string) string {
	if path, ok := strings.CutPrefix(databaseURL, "sqlite:"); ok {
		if whole, err := filepath.Abs(path); err == nil {
			path = whole
		}
		return "SQLite database " + path
	}
	config, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		return "database"
	}
	hosts := []string{hostPort(config.Host, config.Port)}
	for _, f := range config.Fallbacks { // the other hosts, and the same without TLS
		if host := hostPort(f.Host, f.Port); !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return fmt.Sprintf("PostgreSQL database %s at %s", config.Database, strings.Join(hosts, ", "))
}

func hostPort(host string, port uint16) string {
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}
