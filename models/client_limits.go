package models

import "time"

// The values of Client.OnLimit.
const (
	OnLimitRefuse        = "refuse" // stored as NULL
	OnLimitReplaceOldest = "replace-oldest"
)

// ClientLimits are the limits of the devices of one client, beside those of all. A zero field is no limit.
type ClientLimits struct {
	Lifetime, Idle time.Duration
	MaxDevices     int  // live devices of one account
	ReplaceOldest  bool // past MaxDevices a sign-in takes the place of the device that was unseen longest
}

// Limits returns the limits of the client's devices.
func (c *Client) Limits() ClientLimits {
	seconds := func(n *int64) time.Duration {
		if n == nil {
			return 0
		}
		return time.Duration(*n) * time.Second
	}
	l := ClientLimits{Lifetime: seconds(c.DeviceLifetime), Idle: seconds(c.DeviceIdle), ReplaceOldest: c.OnLimit != nil && *c.OnLimit == OnLimitReplaceOldest}
	if c.MaxDevices != nil {
		l.MaxDevices = int(*c.MaxDevices)
	}
	return l
}

// SetLimits is the inverse of Limits.
func (c *Client) SetLimits(l ClientLimits) {
	c.DeviceLifetime, c.DeviceIdle = orNull(int64(l.Lifetime/time.Second)), orNull(int64(l.Idle/time.Second))
	c.MaxDevices, c.OnLimit = orNull(int64(l.MaxDevices)), nil
	if l.ReplaceOldest {
		replace := OnLimitReplaceOldest
		c.OnLimit = &replace
	}
}

func orNull(n int64) *int64 {
	if n == 0 {
		return nil
	}
	return &n
}

// ClientLimitsChange is what UpdateClient changes of a client's limits. What is nil stays; zero takes a limit away.
type ClientLimitsChange struct {
	Lifetime, Idle *time.Duration
	MaxDevices     *int
	ReplaceOldest  *bool
}

// columns are the columns that the change sets.
func (c ClientLimitsChange) columns() map[string]any {
	set := map[string]any{}
	for column, value := range map[string]*time.Duration{"device_lifetime": c.Lifetime, "device_idle": c.Idle} {
		if value != nil {
			set[column] = orNull(int64(*value / time.Second))
		}
	}
	if c.MaxDevices != nil {
		set["max_devices"] = orNull(int64(*c.MaxDevices))
	}
	if c.ReplaceOldest != nil {
		set["on_limit"] = nil
		if *c.ReplaceOldest {
			set["on_limit"] = OnLimitReplaceOldest
		}
	}
	return set
}
