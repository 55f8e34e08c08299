package auth

import (
	"net/netip"
	"slices"

	"latchkey/models"
)

// NewReuse returns what is known when a token that is no longer good is presented: d is its device as the latest refresh left it. Both
// users of the token may be the owner or a thief, since either may come back first.
func NewReuse(d models.Device, from Caller) *models.Reuse {
	// An earlier release stored the address of a proxy that hid the caller's.
	told := func(address string) string {
		if from.NetworkUnknown && address == from.IP.String() {
			return ""
		}
		return address
	}
	ip, agent := d.LastRefresh()
	last := models.TokenUse{IP: told(ip), UserAgent: agent}
	now := models.TokenUse{IP: from.Address(), UserAgent: from.UserAgent}
	return &models.Reuse{SignedInIP: told(d.CreatedIP), Uses: []models.TokenUse{last, now}}
}

// CopiedSignIn is a models.Reuse as people are told about it.
type CopiedSignIn struct {
	Uses         []TokenUse // in the network of the sign-in first
	SignedInFrom string     // where the device signed in, if no use came from there; may be empty
	Apart        bool       // the uses came from different networks
}

// TokenUse is one use of a copied sign-in.
type TokenUse struct {
	Address  string // empty: unknown
	Program  string // one of DescribeAgent's names; empty: unknown
	SignedIn bool   // the device signed in from the network of Address
}

// DescribeReuse returns how a copied sign-in was used, or nil if r is nil.
func DescribeReuse(r *models.Reuse) *CopiedSignIn {
	if r == nil {
		return nil
	}
	c := CopiedSignIn{SignedInFrom: r.SignedInIP}
	signedIn := networkOf(r.SignedInIP)
	networks := map[string]bool{}
	for _, use := range r.Uses {
		network := networkOf(use.IP)
		told := TokenUse{Address: use.IP, SignedIn: network != "" && network == signedIn}
		if agent := DescribeAgent(use.UserAgent); agent.Name != UnknownBrowser {
			told.Program = agent.Name
		}
		if told.SignedIn {
			c.SignedInFrom = ""
		}
		networks[network] = true
		c.Uses = append(c.Uses, told)
	}
	c.Apart = len(networks) > 1 && !networks[""]
	slices.SortStableFunc(c.Uses, func(a, b TokenUse) int {
		switch {
		case a.SignedIn == b.SignedIn:
			return 0
		case a.SignedIn:
			return -1
		}
		return 1
	})
	return &c
}

// networkOf is NetworkOf for a stored address. It returns "" if the address is empty.
func networkOf(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return ""
	}
	return NetworkOf(ip)
}
