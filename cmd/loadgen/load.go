package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// device is a signed-in app: what it stores.
type device struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

func (o *options) check() error {
	switch {
	case o.Clients < 1 || o.Clients > 512:
		return errors.New("--clients must be between 1 and 512")
	case o.Duration <= 0 || o.Duration > 10*time.Minute:
		return errors.New("--duration must be between 0 and 10m")
	case o.Accounts < 1 || o.Accounts > 512:
		return errors.New("--accounts must be between 1 and 512")
	case o.Devices < 1 || o.Devices > 10_000 || o.Devices > 1 && o.Scenario != "refresh":
		return errors.New("--devices must be between 1 and 10,000, and is for refresh")
	case o.DPoP && (o.Scenario != "refresh" || o.Tokens != ""):
		return errors.New("--dpop is for refresh, and its devices are not kept")
	case o.Requests < 1 || o.Requests > 50_000_000:
		return errors.New("--requests must be between 1 and 50,000,000")
	}
	_, err := newClient(o.URL)
	return err
}

// signedIn makes the devices of each client, or reads those of an earlier run, which may be more.
func (o *options) signedIn(ctx context.Context, progress io.Writer) ([]device, error) {
	var devices []device
	if o.Scenario == "login" || o.DPoP {
		return make([]device, o.Clients), nil
	}
	if o.Tokens != "" {
		switch text, err := os.ReadFile(o.Tokens); {
		case err == nil:
			if err := json.Unmarshal(text, &devices); err != nil || len(devices) < o.Clients*o.Devices {
				return nil, fmt.Errorf("%s does not hold %d devices", o.Tokens, o.Clients*o.Devices)
			}
			return devices, nil
		case !errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("read devices: %w", err)
		}
	}
	c, err := newClient(o.URL)
	if err != nil {
		return nil, err
	}
	defer c.close()
	fmt.Fprintf(progress, "signing in %d devices\n", o.Clients*o.Devices)
	for i := range o.Clients * o.Devices {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("sign in: %w", ctx.Err())
		}
		d, err := o.login(c, i)
		if err != nil {
			return nil, err
		}
		devices = append(devices, d)
	}
	return devices, o.keep(devices)
}

func (o *options) keep(devices []device) error {
	if o.Tokens == "" {
		return nil
	}
	text, err := json.Marshal(devices) //nolint:gosec // the file is 0600, and its devices live on a test server
	if err != nil {
		return fmt.Errorf("keep devices: %w", err)
	}
	if err := os.WriteFile(o.Tokens, text, 0o600); err != nil {
		return fmt.Errorf("keep devices: %w", err)
	}
	return nil
}

// login signs the account of a client's number in.
func (o *options) login(c *client, number int) (device, error) { return o.loginWith(c, number, "") }

// loginWith signs a device in that a DPoP proof binds to its key, unless that is empty.
func (o *options) loginWith(c *client, number int, proof string) (device, error) {
	email := strings.ReplaceAll(o.Email, "{n}", strconv.Itoa(number%o.Accounts))
	body, err := json.Marshal(map[string]string{"email": email, "password": o.Password, "device_name": "load"})
	if err != nil {
		return device{}, fmt.Errorf("sign in: %w", err)
	}
	status, answer, err := c.do("POST", "/api/login", "application/json", "", proof, body)
	if err != nil || status != 200 {
		return device{}, &unexpected{"login", status, string(answer), err}
	}
	return device{member(answer, "access_token"), member(answer, "refresh_token")}, nil
}

// unexpected is an answer that a client did not deserve.
type unexpected struct {
	what   string
	status int
	body   string
	err    error
}

func (e *unexpected) Error() string {
	if e.err != nil {
		return fmt.Sprintf("%s: %v", e.what, e.err)
	}
	return fmt.Sprintf("%s: %d %.200s", e.what, e.status, e.body)
}

// load runs the clients until the time or the count is used up.
func load(ctx context.Context, o options, devices []device, progress io.Writer) (*report, error) {
	var phones [][]*phone
	if o.DPoP {
		fmt.Fprintf(progress, "signing in %d devices and making %d proofs\n", o.Clients*boundDevices, o.Clients*boundDevices*proofsOfOne)
		var err error
		if phones, err = o.allPhones(); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, o.Duration)
	defer cancel()
	var left, done atomic.Int64
	left.Store(o.Requests)
	workers := make([]*worker, o.Clients)
	for i := range workers {
		c, err := newClient(o.URL)
		if err != nil {
			return nil, err
		}
		workers[i] = &worker{o: &o, client: c, devices: devices[i*o.Devices : (i+1)*o.Devices], left: &left, done: &done, number: i, end: cancel}
		if o.DPoP {
			workers[i].phones = phones[i]
		}
	}
	memory := watchMemory(ctx, o.PID)
	began := time.Now()
	var wait sync.WaitGroup
	for _, w := range workers {
		wait.Go(func() { w.run(ctx) })
	}
	go tell(ctx, &done, began, progress)
	wait.Wait()
	took := time.Since(began)
	cancel() // the count may be used up before the time
	for _, w := range workers {
		if err := w.letGo(); err != nil {
			return nil, err
		}
	}
	return summarise(o, workers, took, memory()), o.keep(devices)
}

// tell prints progress once a second.
func tell(ctx context.Context, done *atomic.Int64, began time.Time, progress io.Writer) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	last := int64(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			n := done.Load()
			fmt.Fprintf(progress, "%4.0f s  %8d requests  %7d/s\n", time.Since(began).Seconds(), n, n-last)
			last = n
		}
	}
}
