package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"latchkey/auth/mail"
	"latchkey/auth/services"
	"latchkey/models"
	"latchkey/web"
	"latchkey/web/metrics"
)

const (
	// drainTime is how long requests under way may take when the program is told to stop.
	drainTime = 10 * time.Second
	// headerTime and requestTime are what a client has to send a request's header, and the whole of it.
	headerTime  = 5 * time.Second
	requestTime = 10 * time.Second
)

// Program is a running server. Tests start it on port 0.
type Program struct {
	env      *environment
	store    *models.Store
	config   services.Config
	Services *services.Services
	servers  []*http.Server
	url      string
	address  net.Addr // of the listener
	stop     context.CancelFunc
	done     sync.WaitGroup
	failed   chan error
	stopping atomic.Bool   // readyz reports that the program stops
	grace    time.Duration // time for requests in progress; 0: drainTime

	endWatchdog context.CancelFunc
}

// Start opens the database, brings its schema up to date, reads the signing keys and serves. After an error nothing
// is left running.
func Start(env *environment, change func(*services.Config)) (*Program, error) {
	listener, err := listen(env, "LATCHKEY_ADDR", env.settings.Addr)
	if err != nil {
		return nil, err
	}
	p := &Program{env: env, failed: make(chan error, 2), url: env.settings.origin(listener.Addr()), address: listener.Addr()}
	if err := p.start(listener, change); err != nil {
		_ = listener.Close()
		_ = p.Close()
		return nil, err
	}
	return p, nil
}

func (p *Program) start(listener net.Listener, change func(*services.Config)) (err error) {
	env, log := p.env, p.env.logger()
	brand, err := env.settings.brand()
	if err != nil {
		return err
	}
	places, err := env.settings.places()
	if err != nil {
		return err
	}
	p.store, p.Services, err = env.open(false, func(c *services.Config) {
		c.Issuer, c.Origin = cmp.Or(c.Issuer, p.url), p.url
		c.Audience = cmp.Or(c.Audience, c.Issuer)
		c.StatusURL = p.url + "/statuslists/"
		c.Render = brand.MailRenderer(p.url, env.settings.Languages...)
		c.Places = places
		if change != nil {
			change(c)
		}
		p.config = *c
	})
	if err != nil {
		return err
	}
	if most, err := p.store.MostConns(env.ctx); err == nil && most > 0 && env.settings.DBConns > most {
		log.Warn("PostgreSQL allows fewer connections than LATCHKEY_DB_CONNS", "allowed", most, "conns", env.settings.DBConns)
	}
	if p.config.SignupOpen && p.config.Mail == nil {
		return errors.New("LATCHKEY_SIGNUP: open needs mail, for every new address is confirmed: set LATCHKEY_SMTP_URL (and LATCHKEY_MAIL_FROM), or close it")
	}
	if err := p.Services.Keys.Load(env.ctx); err != nil {
		return keyError(err)
	}
	if err := p.Services.Revocations.Load(env.ctx); err != nil {
		return err
	}
	var measures *metrics.Metrics
	if env.settings.MetricsAddr != "" {
		measures = metrics.New(p.store.PoolStats)
		measures.WatchServices(p.Services)
		built := readBuild()
		measures.ShowBuild(built.Version, built.Commit)
		if p.config.Breached != nil {
			measures.CountBreaches(p.Services.Accounts.BreachCounts)
		}
		measures.CountLogoutNotices(p.Services.Logout.NoticeCounts)
		if err := p.serveMetrics(measures, log); err != nil {
			return err
		}
	}
	outbox, _ := p.config.Mail.(*mail.Files)
	handler, err := web.New(p.Services, web.Config{
		BaseURL: p.url, Secret: p.config.Secret, Previous: p.config.Previous,
		TrustedProxies: env.settings.TrustedProxies, Logger: log, Metrics: measures, Gallery: env.gallery, Outbox: outbox,
		SecurityContacts: env.settings.SecurityContact, Languages: env.settings.Languages, Brand: brand,
		Stopping: p.stopping.Load, OnlyHosts: env.onlyHosts(), LogIP: web.LogIP(env.settings.LogIP),
	})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(env.ctx))
	p.stop = stop
	p.done.Go(func() { p.Services.Operator.Run(ctx) })
	p.serve(listener, handler, log)
	log.Info("serving", "url", p.url, "address", listener.Addr().String(), "database", p.store.Dialect(), "version", readBuild().Version)
	return nil
}

// URL is the base URL under which the program serves.
func (p *Program) URL() string { return p.url }

// Wait returns nil when the context ends, or the error that ended a listener before.
func (p *Program) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-p.failed:
		return err
	}
}

// Drain makes /readyz report that the program stops, and keeps serving for d, so that load balancers can react. It returns earlier
// with an error that ended a listener.
func (p *Program) Drain(d time.Duration) error {
	p.stopping.Store(true)
	select {
	case <-time.After(d):
		return nil
	case err := <-p.failed:
		return err
	}
}

// Close drains the requests under way for up to ten seconds, then cuts off the rest, and closes the database. What is cut off is no
// error: a stranger who sends half a request would decide how the program ends.
func (p *Program) Close() error {
	p.stopping.Store(true)
	if p.endWatchdog != nil {
		p.endWatchdog()
	}
	ctx, cancel := context.WithTimeout(context.Background(), cmp.Or(p.grace, drainTime))
	defer cancel()
	var errs []error
	for _, server := range p.servers {
		err := server.Shutdown(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			p.env.logger().Info("what was still under way is cut off")
			err = nil
			_ = server.Close() // the listener is closed already
		}
		errs = append(errs, err)
	}
	if p.stop != nil {
		p.stop()
	}
	p.done.Wait()
	if p.store != nil {
		errs = append(errs, p.store.Close())
	}
	return errors.Join(errs...)
}

func listen(env *environment, setting, address string) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(env.ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s: %s is in use by another program: choose another port, like %s=%s", setting, address, setting, nextPort(address))
	}
	if err != nil {
		return nil, settingError(setting, err)
	}
	return listener, nil
}

// nextPort is an address to propose: the next port of the same host.
func nextPort(address string) string {
	host, port, _ := net.SplitHostPort(address)
	n, err := strconv.Atoi(port)
	if err != nil || n >= 1<<16-1 {
		n = 8080
	}
	return net.JoinHostPort(host, strconv.Itoa(n+1))
}

// serve bounds every phase of a connection, so that none can be held open for nothing.
func (p *Program) serve(listener net.Listener, handler http.Handler, log *slog.Logger) {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       requestTime,
		WriteTimeout:      20 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,

		DisableGeneralOptionsHandler: true, // OPTIONS * gets the security headers, too
		ErrorLog:                     slog.NewLogLogger(log.Handler(), slog.LevelInfo),
	}
	p.servers = append(p.servers, server)
	p.done.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			p.failed <- fmt.Errorf("serve: %w", err)
		}
	})
}

func (p *Program) serveMetrics(measures *metrics.Metrics, log *slog.Logger) error {
	listener, err := listen(p.env, "LATCHKEY_METRICS_ADDR", p.env.settings.MetricsAddr)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", measures.Handler())
	p.serve(listener, mux, log)
	log.Info("measuring", "address", listener.Addr().String())
	return nil
}
