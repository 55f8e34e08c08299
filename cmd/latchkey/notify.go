package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// tell reports a state to systemd (sd_notify(3)), or to nothing where NOTIFY_SOCKET is not set.
func (p *Program) tell(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		p.env.logger().Warn("systemd cannot be told", "state", state, "error", err)
	}
}

// tellReady reports that the server serves. While it answers, it feeds the watchdog that the unit may have set (WatchdogSec=).
func (p *Program) tellReady() {
	p.tell(daemon.SdNotifyReady + "\nSTATUS=Serving " + p.url)
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		p.env.logger().Warn("the watchdog of systemd stays off", "error", err)
	}
	if interval <= 0 {
		return
	}
	ctx, end := context.WithCancel(context.WithoutCancel(p.env.ctx)) // it is fed while the server drains, too
	p.endWatchdog = end
	p.done.Go(func() { p.feedWatchdog(ctx, interval) })
}

// feedWatchdog asks the server four times in an interval, so that one slow answer ends no server.
func (p *Program) feedWatchdog(ctx context.Context, interval time.Duration) {
	ticks := time.NewTicker(interval / 4)
	defer ticks.Stop()
	for {
		if err := answers(ctx, p.address, interval/4); err == nil {
			p.tell(daemon.SdNotifyWatchdog)
		} else if ctx.Err() == nil {
			p.env.logger().Warn("the server does not answer itself; systemd will restart it", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}

// answers asks the listener whether the process lives. It does not ask for the database: a restart would not bring that back.
func answers(ctx context.Context, listener net.Addr, within time.Duration) error {
	ctx, end := context.WithTimeout(ctx, within)
	defer end()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+listener.String()+"/healthz", nil)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // no proxy
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("/healthz answers %s", answer.Status)
	}
	return nil
}

// tellStopping reports the end, and how long it may take: longer than systemd would wait where LATCHKEY_DRAIN is long.
func (p *Program) tellStopping() {
	most := p.env.settings.Drain + drainTime + 5*time.Second
	p.tell(fmt.Sprintf("%s\nEXTEND_TIMEOUT_USEC=%d", daemon.SdNotifyStopping, most.Microseconds()))
}
