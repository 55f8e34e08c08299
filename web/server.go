package web

import (
	"fmt"
	"log/slog"
	"net/http"
	"sync"

	"latchkey/auth"
	"latchkey/auth/account"
	"latchkey/auth/address"
	"latchkey/auth/browser"
	"latchkey/auth/challenge"
	"latchkey/auth/client"
	"latchkey/auth/confirm"
	"latchkey/auth/deletion"
	"latchkey/auth/device"
	"latchkey/auth/export"
	"latchkey/auth/factor"
	"latchkey/auth/grant"
	"latchkey/auth/language"
	"latchkey/auth/logout"
	"latchkey/auth/mail"
	"latchkey/auth/notify"
	"latchkey/auth/operator"
	"latchkey/auth/origin"
	"latchkey/auth/place"
	"latchkey/auth/ratelimit"
	"latchkey/auth/revocation"
	"latchkey/auth/seal"
	"latchkey/auth/services"
	"latchkey/auth/signin"
	"latchkey/auth/support"
	"latchkey/auth/token"
	"latchkey/static"
	"latchkey/views/catalog"
	"latchkey/web/api"
	"latchkey/web/metrics"
	"latchkey/web/wire"
)

// Config is what the web needs to know beside the service.
type Config struct {
	BaseURL        string   // public origin; https turns on Secure cookies, __Host- names and HSTS
	Secret         []byte   // the server secret: cookies are signed and encrypted under keys made from it
	Previous       [][]byte // secrets whose cookies are still read
	TrustedProxies []string // CIDRs whose X-Forwarded-For is believed
	Logger         *slog.Logger
	// SecurityContacts are where people report weaknesses, each as ParseContact takes it; none: there is no security.txt.
	SecurityContacts []string
	Metrics          *metrics.Metrics // nil: not measured
	Gallery          bool             // show every page in every state at /gallery: for demonstrations
	Outbox           *mail.Files      // the demonstration's mails, to be shown; nil: there is no such page
	Stopping         func() bool      // tells that load balancers are to send nothing more; nil: never
	OnlyHosts        []string         // the Host headers that are answered, without their ports; nil: all
	Languages        []string         // those that are offered, the default first; nil: all that the portal is translated into
	Brand            Brand
	LogIP            LogIP // what the log tells about where a refused credential came from
}

// Server is the handler of everything that is served.
type Server struct {
	clock       auth.Clock
	notify      *notify.Service
	revocations *revocation.Service
	tokens      *token.Service
	browsers    *browser.Service
	challenges  *challenge.Service
	signIn      *signin.Service
	confirm     *confirm.Service
	grants      *grant.Service
	deviceCodes *grant.Devices
	logouts     *logout.Service
	accounts    *account.Service
	languageOf  *language.Service
	exports     *export.Service
	addresses   *address.Service
	deletions   *deletion.Service
	devices     *device.Service
	factors     *factor.Service
	support     *support.Service
	operator    *operator.Service
	limits      *ratelimit.Service
	places      *place.Database
	clients     *client.Service
	apps        *api.Server // what mobile apps, backends and resource servers call
	base        string      // the public origin, as browsers write it
	https       bool
	log         *slog.Logger
	files       *static.Files
	cookies     *cookies
	trails      *seal.Sealer // of searches at the support desk
	crossOrigin *http.CrossOriginProtection
	metrics     *metrics.Metrics
	failures    wire.Judge
	outbox      *mail.Files
	contacts    []string // URIs, of security.txt
	gallery     bool
	languages   *catalog.Choice
	brand       Brand
	mux         *http.ServeMux
	handler     http.Handler
	proxies     proxies

	unknownClient sync.Once // the warning of noteUnknownClient

	compressed func(http.Handler) http.Handler
	stopping   func() bool
}

// New wires the routes and the middleware. It refuses a base URL that is no origin and CIDRs that are none.
func New(a *services.Services, c Config) (*Server, error) {
	base, err := origin.Parse(c.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("base URL: %w", err)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		clock: a.Clock, notify: a.Notify, revocations: a.Revocations, tokens: a.Tokens, browsers: a.Browsers, challenges: a.Challenges, signIn: a.SignIn, confirm: a.Confirm, grants: a.Grants, deviceCodes: a.DeviceCodes, logouts: a.Logout, accounts: a.Accounts, languageOf: a.Languages, exports: a.Exports, addresses: a.Addresses, deletions: a.Deletions, devices: a.Devices,
		factors: a.Factors, support: a.Support, operator: a.Operator, limits: a.Limits, places: a.Places, clients: a.Clients,
		base: origin.Of(base), https: base.Scheme == "https", log: c.Logger,
		files: static.New(), crossOrigin: http.NewCrossOriginProtection(), metrics: c.Metrics, failures: wire.Judge{Log: c.Logger, Metrics: c.Metrics}, gallery: c.Gallery, outbox: c.Outbox, mux: http.NewServeMux(),
		stopping: c.Stopping,
	}
	if err := s.crossOrigin.AddTrustedOrigin(s.base); err != nil {
		return nil, fmt.Errorf("base URL: %w", err)
	}
	if s.languages, err = catalog.NewChoice(c.Languages, catalog.Complete); err != nil {
		return nil, fmt.Errorf("languages: %w", err)
	}
	s.languages = s.languages.Named(c.Brand.Name)
	if s.failures.Origin, err = s.newOrigin(c); err != nil {
		return nil, err
	}
	s.apps = api.New(api.Config{
		Keys: a.Keys, Clients: a.Clients, Revocations: a.Revocations, Tokens: a.Tokens, SignIn: a.SignIn, Confirm: a.Confirm, Grants: a.Grants, DeviceCodes: a.DeviceCodes, Devices: a.Devices, Operator: a.Operator,
		Accounts: a.Accounts, Addresses: a.Addresses, Deletions: a.Deletions,
		Locales: s.languages.Tags(), Base: s.base, Caller: s.caller, Language: s.appLanguage, Judge: s.failures,
	})
	if s.cookies, err = newCookies(c, s.https, a.Browsers.Config().Lifetime); err != nil {
		return nil, err
	}
	if s.trails, err = newTrailSealer(c); err != nil {
		return nil, err
	}
	if s.proxies, err = parseProxies(c.TrustedProxies); err != nil {
		return nil, err
	}
	for _, text := range c.SecurityContacts {
		contact, err := ParseContact(text)
		if err != nil {
			return nil, fmt.Errorf("security contact: %q is %w", text, err)
		}
		s.contacts = append(s.contacts, contact)
	}
	for _, warning := range append(s.proxies.warnings(), baseURLWarnings(base)...) {
		s.log.Warn(warning)
	}
	s.brand = c.Brand
	if err = s.files.Brand(c.Brand.Accent, c.Brand.Logo); err != nil {
		return nil, fmt.Errorf("logo: %w", err)
	}
	if s.compressed, err = compression(); err != nil {
		return nil, err
	}
	s.routes()
	s.handler = s.observe(s.recovered(s.headers(s.cors(s.warnOfForwarding(s.limited(s.named(c.OnlyHosts, http.HandlerFunc(s.dispatch))))))))
	return s, nil
}

// ServeHTTP serves one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }
