package services_test

import (
	"strings"
	"testing"

	"latchkey/auth/services"
)

// Passkeys belong to the host of the portal, whatever the issuer is called.
func TestPasskeysBelongToThePortal(t *testing.T) {
	for _, c := range []struct{ issuer, base, rpID string }{
		{"https://id.example.com", "", "id.example.com"},
		{"https://id.example.com/tenant", "", ""}, // the portal may be anywhere
		{"https://iss.example.com/tenant", "https://id.example.com", "id.example.com"},
		{"https://iss.example.com", "http://192.0.2.1:8080", ""},
	} {
		s, err := services.New(nil, services.Config{Issuer: c.issuer, Origin: c.base, PasswordMin: 12, Secret: make([]byte, 32)})
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		start, err := s.SignIn.StartPasskey()
		if err != nil || (start.PublicKey == nil) != (c.rpID == "") || c.rpID != "" && !strings.Contains(string(start.PublicKey), `"rpId":"`+c.rpID+`"`) {
			t.Errorf("%+v: %s, %v", c, start.PublicKey, err)
		}
	}
}
