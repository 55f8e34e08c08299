package incident

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"latchkey/auth"
	"latchkey/models"
)

// check returns a filter in its canonical form, so that equal filters have equal JSON. It returns KindInvalidRequest for an empty filter, and for one
// that cannot select anything.
func check(f models.IncidentFilter, now time.Time) (models.IncidentFilter, error) {
	if isEmpty(f) {
		return f, auth.InvalidField("the filter", "is empty: name --client, --created-from, --created-to, --network or --unbound; latchkey user sign-out --all is for every device")
	}
	for _, id := range f.Clients {
		if id == "" {
			return f, auth.InvalidField("--client", "is empty")
		}
	}
	if f.From != nil && f.From.After(now) {
		return f, auth.InvalidField("--created-from", "is in the future")
	}
	if f.From != nil && f.To != nil && !f.From.Before(*f.To) {
		return f, auth.InvalidField("--created-to", "must be after --created-from")
	}
	for _, p := range f.Networks {
		if !p.IsValid() {
			return f, auth.InvalidField("--network", "is no network")
		}
	}
	return canonical(f), nil
}

func isEmpty(f models.IncidentFilter) bool {
	return len(f.Clients) == 0 && f.From == nil && f.To == nil && len(f.Networks) == 0 && !f.Unbound
}

// canonical returns a filter in its canonical form: sorted, without duplicates, times in UTC and whole microseconds.
func canonical(f models.IncidentFilter) models.IncidentFilter {
	f.Clients = slices.Compact(slices.Sorted(slices.Values(f.Clients)))
	networks := make([]netip.Prefix, 0, len(f.Networks))
	for _, p := range f.Networks {
		networks = append(networks, unmapped(p).Masked())
	}
	slices.SortFunc(networks, func(a, b netip.Prefix) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
	})
	f.Networks = slices.Compact(networks)
	for _, t := range []**time.Time{&f.From, &f.To} {
		if *t != nil {
			at := (*t).UTC().Truncate(time.Microsecond)
			*t = &at
		}
	}
	return f
}

// unmapped turns an IPv4-mapped IPv6 network (RFC 4291 §2.5.5.2) into the IPv4 network: inNetworks compares such addresses as IPv4.
func unmapped(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p
}

func equal(a, b models.IncidentFilter) bool { return canonicalJSON(a) == canonicalJSON(b) }

func canonicalJSON(f models.IncidentFilter) string {
	b, err := json.Marshal(canonical(f))
	if err != nil {
		return "" // never: JSON can hold all of it
	}
	return string(b)
}

// selects reports whether a filter selects a device that is live at now and signed in at start or before.
func selects(f models.IncidentFilter, d models.Device, start, now time.Time) bool {
	return isLive(d, now) && !d.CreatedAt.After(start) && restMatches(f, d) && inNetworks(f, d.CreatedIP)
}

// hadSelected reports whether a filter selected a device at the start, even if the device has ended since. Its account must choose a new password all
// the same: otherwise a thief could sign the device out, and in again with the old password.
func hadSelected(f models.IncidentFilter, d models.Device, start time.Time) bool {
	return d.ExpiresAt.After(start) && (d.RevokedAt == nil || d.RevokedAt.After(start)) && !d.CreatedAt.After(start) && restMatches(f, d) && inNetworks(f, d.CreatedIP)
}

// isLive reports whether a device is neither revoked nor expired. An idle device counts: a longer idle limit would bring it back.
func isLive(d models.Device, now time.Time) bool {
	return d.RevokedAt == nil && d.ExpiresAt.After(now)
}

// restMatches reports whether every part of a filter but the networks selects a device.
func restMatches(f models.IncidentFilter, d models.Device) bool {
	return (len(f.Clients) == 0 || d.Kind == models.KindApp && slices.Contains(f.Clients, d.ClientID)) &&
		(f.From == nil || !d.CreatedAt.Before(*f.From)) && (f.To == nil || d.CreatedAt.Before(*f.To)) && (!f.Unbound || d.JKT == "")
}

func inNetworks(f models.IncidentFilter, ip string) bool {
	if len(f.Networks) == 0 {
		return true
	}
	at, err := netip.ParseAddr(ip)
	if err != nil { // the IP address is not known
		return false
	}
	at = at.Unmap()
	return slices.ContainsFunc(f.Networks, func(p netip.Prefix) bool { return p.Contains(at) })
}

// Describe puts a filter into words, for operators.
func Describe(f models.IncidentFilter) string {
	parts := []string{"devices"}
	if len(f.Clients) > 0 {
		parts[0] = "apps of " + strings.Join(f.Clients, " or ")
	}
	if f.From != nil {
		parts = append(parts, "signed in at "+f.From.Format(time.RFC3339)+" or later")
	}
	if f.To != nil {
		parts = append(parts, "signed in before "+f.To.Format(time.RFC3339))
	}
	if len(f.Networks) > 0 {
		var list []string
		for _, p := range f.Networks {
			list = append(list, p.String())
		}
		parts = append(parts, fmt.Sprintf("signed in from %s", strings.Join(list, " or ")))
	}
	if f.Unbound {
		parts = append(parts, "not bound to a key")
	}
	return strings.Join(parts, ", ")
}
