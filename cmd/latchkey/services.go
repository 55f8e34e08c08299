package main

import (
	"cmp"
	"strings"

	"latchkey/auth"
	"latchkey/auth/logout"
	"latchkey/auth/services"
	"latchkey/auth/webhook"
	"latchkey/models"
)

// newServices brings the schema up to date and makes the services as the settings say. change comes last, before they are made.
func (e *environment) newServices(store *models.Store, change func(*services.Config)) (*services.Services, error) {
	config := e.settings.services()
	var err error
	mayMake := func() (bool, error) {
		sealed, err := e.hasKeys(store)
		return !sealed, err
	}
	if config.Secret, config.Previous, err = e.settings.secrets(mayMake); err != nil {
		return nil, err
	}
	if config.Mail, err = e.settings.sender(); err != nil {
		return nil, err
	}
	if e.settings.BreachURL != "" {
		breaches, err := newBreachClient(e.settings.BreachURL)
		if err != nil {
			return nil, settingError("LATCHKEY_BREACH_URL", err)
		}
		config.Breached = breaches.lookUp
	}
	config.PostLogout, config.PostWebhook = newOutbound(logout.PostTime).logoutToken, newOutbound(webhook.PostTime).webhook
	if err := store.CheckPooler(e.ctx); err != nil {
		return nil, settingError("LATCHKEY_DATABASE", err)
	}
	if _, err := store.Migrate(e.ctx); err != nil {
		return nil, settingError("LATCHKEY_DATABASE", err)
	}
	sealed, err := e.hasKeys(store)
	if err != nil {
		return nil, err
	}
	config.Logger = e.logger()
	if err := e.judgeSecrets(store, config.Secret, config.Previous); err != nil {
		return nil, err
	}
	if change != nil {
		change(&config)
	}
	config.Issuer = cmp.Or(config.Issuer, strings.TrimRight(e.settings.BaseURL, "/")) // passwords must not be made of its host
	s, err := services.New(store, config)
	if err != nil {
		return nil, err
	}
	if sealed { // whatever is sealed under a wrong secret, a mail for one, no server could open
		err = keyError(s.Keys.Load(e.ctx))
	}
	return s, err
}

// services is what the settings say of the services.
func (s *Settings) services() services.Config {
	return services.Config{
		Name: s.BrandName, Issuer: s.Issuer, Audience: s.Audience, SigningAlg: s.SigningAlg, AccessTTL: s.AccessTTL, StatusTTL: s.StatusTTL,
		DeviceLifetime: s.DeviceLifetime, DeviceIdle: s.DeviceIdle, BrowserLifetime: s.BrowserLifetime, BrowserIdle: s.BrowserIdle,
		MaxRefreshes: s.MaxRefreshes, RetryWindow: s.RetryWindow, MaxDevices: s.MaxDevices, SignupOpen: s.Signup == "open",
		IncidentMailRate: s.IncidentRate,
		PasswordMin:      s.PasswordMin, DeviceNameClaim: s.DeviceNameClaim == "on",
		SecondFactor: auth.FactorPolicy(cmp.Or(s.SecondFactor, string(auth.FactorSupport))),
		DPoPRequired: s.DPoP == "required", NonceRequired: s.DPoPNonce == "required",
	}
}
