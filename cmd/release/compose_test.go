package main

import (
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// composed is what the test looks at in the compose file.
type composed struct {
	Services map[string]struct {
		Image       string
		Environment map[string]string
		Secrets     []string
		ReadOnly    bool     `yaml:"read_only"`
		CapDrop     []string `yaml:"cap_drop"`
		Deploy      struct{ Replicas int }
	}
	Secrets  map[string]struct{ File string }
	Networks map[string]struct {
		IPAM struct{ Config []struct{ Subnet string } }
	}
}

// What the compose file names in one place must be there in the other.
func TestTheComposeFileFitsTogether(t *testing.T) {
	var c composed
	text := read(t, "files/compose.yaml")
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	files := 0
	for name, service := range c.Services {
		for variable, value := range service.Environment {
			secret, isFile := strings.CutPrefix(value, "/run/secrets/")
			if isFile != strings.HasSuffix(variable, "_FILE") {
				t.Errorf("%s: %s is %s", name, variable, value)
			}
			if isFile {
				files++
				if !slices.Contains(service.Secrets, secret) || c.Secrets[secret].File != "secrets/"+secret || !strings.Contains(string(text), "> "+secret+"\n") {
					t.Errorf("%s: the secret %s is not handed over, or not made", name, secret)
				}
			}
		}
	}
	server := c.Services["latchkey"]
	if files != 3 || server.Deploy.Replicas != 2 || !server.ReadOnly || !slices.Equal(server.CapDrop, []string{"ALL"}) {
		t.Errorf("%d files, %+v", files, server)
	}
	if subnet := c.Networks["default"].IPAM.Config[0].Subnet; subnet == "" || server.Environment["LATCHKEY_TRUSTED_PROXIES"] != subnet {
		t.Errorf("the proxy is in %s, and believed in %s", subnet, server.Environment["LATCHKEY_TRUSTED_PROXIES"])
	}
}
