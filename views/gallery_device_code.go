package views

import "time"

// deviceCodes are the pages on which a person lets a television or another device sign in.
func (g gallery) deviceCodes() []State {
	enter := func(name string, p DeviceCodePage) State {
		p.Shell = g.in(g.say.DeviceCodeTitle(), "")
		return State{"device code/" + name, DeviceCode(p)}
	}
	ask := func(name string, p DeviceAskPage) State {
		p.Shell, p.Now, p.Request, p.UserCode = g.in(g.say.DeviceCodeTitle(), ""), g.now, "c2VhbGVk", "WDJB-MJHT"
		if p.App == "" {
			p.App = "Harbour TV"
		}
		if p.At.IsZero() {
			p.At = g.ago(40 * time.Second)
		}
		return State{"device code/" + name, DeviceAsk(p)}
	}
	over := func(name string, outcome DeviceOutcome) State {
		return State{"device code/" + name, DeviceCodeOutcome(DeviceOutcomePage{Shell: g.in(g.say.DeviceCodeTitle(), ""), Outcome: outcome, Minutes: 10})}
	}
	unknown := g.say.Error("We don’t know this code, or it has expired. Compare it with the code on your device, or start again there.")
	all := ConsentGets{Who: true, Email: true, Devices: true, Act: true}
	return []State{
		enter("empty", DeviceCodePage{}),
		enter("from a link", DeviceCodePage{UserCode: "WDJB-MJHT"}),
		enter("unknown", DeviceCodePage{UserCode: hostile, Problems: FormProblems{
			Summary: g.say.Error("Some fields aren’t valid. Check them and try again."), Fields: map[string]string{"user_code": unknown},
		}}),
		enter("too many", DeviceCodePage{UserCode: "WDJB-MJHT", Problems: FormProblems{Summary: g.say.TextTwo(g.say.Error("Too many attempts."), g.say.WaitMinutes(9))}}),
		ask("same network", DeviceAskPage{
			DeviceName: "Harbour TV", Address: "203.0.113.7", Place: Place{City: "Dublin", Country: "Ireland", Same: true}, Gets: ConsentGets{Devices: true, Act: true},
		}),
		ask("another network", DeviceAskPage{
			DeviceName: "Living room", Program: "Chrome on Linux", Address: "2001:db8:85a3:1234:5678:8a2e:9370:7334", Place: Place{City: "Lagos", Country: "Nigeria", New: true},
			Elsewhere: true, Gets: all, Confirm: Confirm{SecondFactor: true, HasCode: true, HasApp: true, HasRecovery: true, Passkey: askedPasskey},
			At: g.ago(9 * time.Minute),
		}),
		ask("refused", DeviceAskPage{
			App: longWords, DeviceName: hostile, Gets: ConsentGets{Who: true}, Problems: FormProblems{Summary: g.say.DeviceCodeRefused(), Fields: map[string]string{
				"current_password": g.say.Error("That’s not your password. Try again."), "device_name": g.say.Error("Enter a name for the device."),
			}},
		}),
		ask("full", DeviceAskPage{
			DeviceName: "Harbour TV", Address: "203.0.113.7", Place: Place{City: "Dublin", Country: "Ireland", Same: true}, Gets: ConsentGets{Devices: true}, Room: g.full("Harbour TV", 2),
		}),
		ask("full of others", DeviceAskPage{Address: "203.0.113.7", Room: Room{Full: true, OfAll: true, Most: 100, App: "Harbour TV"}}),
		over("approved", DeviceApproved), over("denied", DeviceDenied), over("used", DeviceCodeUsed), over("expired", DeviceCodeExpired),
	}
}
