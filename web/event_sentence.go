package web

import (
	"strconv"

	"latchkey/auth"
	"latchkey/auth/account"
	"latchkey/auth/incident"
	"latchkey/auth/passwordcheck"
	"latchkey/auth/token"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/catalog"
)

// An eventSentence says an event in the reader's language.
type eventSentence func(catalog.Printer, models.Event) catalog.Sentence

// eventSentences say each of models.EventKinds.
var eventSentences = map[models.EventKind]eventSentence{
	models.EventAccountCreated: onItsOwn(catalog.Printer.EventAccountCreated),
	models.EventInvited:        onItsOwn(catalog.Printer.EventAccountInvited),
	models.EventRoleChanged:    onItsOwn(catalog.Printer.EventRoleChanged),
	models.EventDetailsChanged: onItsOwn(catalog.Printer.EventDetailsChanged),
	models.EventDisabled:       onItsOwn(catalog.Printer.EventAccountDisabled),
	models.EventEnabled:        onItsOwn(catalog.Printer.EventAccountEnabled),
	models.EventAccountDeleted: onItsOwn(catalog.Printer.EventAccountDeleted),
	models.EventDataDownloaded: ofDevice(catalog.Printer.EventDataDownloaded),
	models.EventMailFailed:     onItsOwn(catalog.Printer.EventMailFailed),
	models.EventLanguageChanged: func(p catalog.Printer, e models.Event) catalog.Sentence {
		if chosen, ok := catalog.In(e.Detail); ok {
			return catalog.Sentence{Text: p.EventLanguageChanged(chosen.LanguageName())}
		}
		return catalog.Sentence{Text: p.EventLanguageChanged(e.Detail)} // a later release has it
	},

	models.EventSignIn: ofDevice(catalog.Printer.EventSignIn),
	models.EventSignInFailed: withDetail(passwordcheck.LockedDetail,
		several(catalog.Printer.EventSignInFailedLocked, catalog.Printer.EventSignInFailedLockedMore),
		several(catalog.Printer.EventSignInFailed, catalog.Printer.EventSignInFailedMore)),
	models.EventPasswordFailed:   several(catalog.Printer.EventPasswordFailed, catalog.Printer.EventPasswordFailedMore),
	models.EventCodeFailed:       several(catalog.Printer.EventCodeFailed, catalog.Printer.EventCodeFailedMore),
	models.EventSecondStepMissed: onItsOwn(catalog.Printer.EventSecondStepMissed),
	models.EventConfirmed:        ofDevice(catalog.Printer.EventConfirmed),
	models.EventSignOut: withDetail(string(models.RevokedByReplace),
		ofDevice(catalog.Printer.EventSignOutReplaced), ofDevice(catalog.Printer.EventSignOut)),

	models.EventDeviceRevoked: withDetail(string(models.RevokedByLimit),
		ofDevice(catalog.Printer.EventDeviceLimit), withDetail(string(models.RevokedForRoom),
			ofDevice(catalog.Printer.EventDeviceRoom),
			byActor(models.ActorSystem, ofDevice(catalog.Printer.EventDeviceRevokedAgain),
				byActor(models.ActorOperator, ofDevice(catalog.Printer.EventDeviceRevokedOperator), ofDevice(catalog.Printer.EventDeviceRevoked))))),
	models.EventDevicesRevoked: byActor(models.ActorOperator,
		onItsOwn(catalog.Printer.EventDevicesRevokedOperator), onItsOwn(catalog.Printer.EventDevicesRevoked)),
	models.EventIncident: withDetail(incident.LockedDetail, counting(catalog.Printer.EventIncidentLocked), counting(catalog.Printer.EventIncident)),
	models.EventDevicesRevokedSince: func(p catalog.Printer, e models.Event) catalog.Sentence {
		if n := models.SinceLater(e.Detail); n > 0 {
			return p.EventDevicesRevokedSince(n, e.DeviceName)
		}
		return p.EventDevicesRevokedSinceNone(e.DeviceName)
	},
	models.EventDeviceRenamed: func(p catalog.Printer, e models.Event) catalog.Sentence {
		return p.EventDeviceRenamed(e.DeviceName, e.Detail)
	},
	models.EventDeviceReused: func(p catalog.Printer, e models.Event) catalog.Sentence {
		return views.CopiedText(p, copiedSignIn(e.Reuse), e.DeviceName)
	},
	models.EventDeviceForked: withDetail(token.ForkWarnDetail,
		ofDevice(catalog.Printer.EventDeviceForkedOften), ofDevice(catalog.Printer.EventDeviceForked)),
	models.EventDeviceRestored: ofDevice(catalog.Printer.EventDeviceRestored),
	models.EventDeviceReplaced: ofDevice(catalog.Printer.EventDeviceReplaced),
	models.EventInstallationShared: func(p catalog.Printer, e models.Event) catalog.Sentence {
		return p.EventInstallationShared(e.DeviceName, e.Detail)
	},

	models.EventPasswordChanged: onItsOwn(catalog.Printer.EventPasswordChanged),
	models.EventPasswordReset: withDetail(account.FirstPasswordDetail,
		onItsOwn(catalog.Printer.EventPasswordFirst),
		byActor(models.ActorOwner, onItsOwn(catalog.Printer.EventPasswordReset), onItsOwn(catalog.Printer.EventPasswordSet))),
	models.EventResetSent:              onItsOwn(catalog.Printer.EventPasswordResetSent),
	models.EventPasswordChangeRequired: onItsOwn(catalog.Printer.EventPasswordChangeRequired),
	models.EventPasswordDropped:        onItsOwn(catalog.Printer.EventPasswordDropped),
	models.EventLocked:                 lockedSentence,
	models.EventEmailAsked:             onItsOwn(catalog.Printer.EventEmailAsked),
	models.EventEmailCancelled:         onItsOwn(catalog.Printer.EventEmailCancelled),
	models.EventEmailChanged: byActor(models.ActorOperator,
		onItsOwn(catalog.Printer.EventEmailChangedOperator), onItsOwn(catalog.Printer.EventEmailChanged)),
	models.EventEmailRestored: onItsOwn(catalog.Printer.EventEmailRestored),
	models.EventWaysBackEnded: onItsOwn(catalog.Printer.EventWaysBackEnded),

	models.EventFactorAdded: ofFactor(
		ofDevice(catalog.Printer.EventPasskeyAdded), onItsOwn(catalog.Printer.EventAppAdded), onItsOwn(catalog.Printer.EventFactorAdded)),
	models.EventFactorRemoved: orFactorsGone(ofFactor(
		ofDevice(catalog.Printer.EventPasskeyRemoved), onItsOwn(catalog.Printer.EventAppRemoved), onItsOwn(catalog.Printer.EventFactorRemoved))),
	models.EventFactorRenamed: ofFactor(
		ofDevice(catalog.Printer.EventPasskeyRenamed), ofDevice(catalog.Printer.EventAppRenamed), ofDevice(catalog.Printer.EventFactorRenamed)),
	models.EventFactorClosed:      onItsOwn(catalog.Printer.EventFactorClosed),
	models.EventFactorsReset:      onItsOwn(catalog.Printer.EventFactorsReset),
	models.EventRecoveryCodesMade: onItsOwn(catalog.Printer.EventRecoveryCodesMade),
	models.EventRecoveryCodeUsed:  onItsOwn(catalog.Printer.EventRecoveryCodeUsed),
	models.EventBrowserTrusted:    ofDevice(catalog.Printer.EventBrowserTrusted),
	models.EventBrowserUntrusted: func(p catalog.Printer, e models.Event) catalog.Sentence {
		if e.DeviceName == "" {
			return catalog.Sentence{Text: p.EventBrowserUntrustedAll()}
		}
		return p.EventBrowserUntrusted(e.DeviceName)
	},

	models.EventSupportSearched: withDetail("", onItsOwn(catalog.Printer.EventSupportSearchedDeleted), ofDetail(catalog.Printer.EventSupportSearched)),
	models.EventSupportLooked: withDetail("", onItsOwn(catalog.Printer.EventSupportLookedDeleted),
		severalOfDetail(catalog.Printer.EventSupportLooked, catalog.Printer.EventSupportLookedMore)),
	models.EventSeenBySupport: several(catalog.Printer.EventSeenBySupport, catalog.Printer.EventSeenBySupportMore),
}

// sentence says an event, whose kind may come from a later release.
func sentence(p catalog.Printer, e models.Event) catalog.Sentence {
	if say, ok := eventSentences[e.Kind]; ok {
		return say(p, e)
	}
	return catalog.Sentence{Text: p.EventUnknown()}
}

// lockedSentence says what a link "This wasn't me" did. The detail is how many devices it signed out beside the one that is named. It is
// empty where that was every device, and in older events.
func lockedSentence(p catalog.Printer, e models.Event) catalog.Sentence {
	n, err := strconv.Atoi(e.Detail)
	switch named := e.DeviceName != ""; {
	case named && n > 0:
		return p.EventLockedDeviceAnd(n, e.DeviceName)
	case named:
		return p.EventLockedDevice(e.DeviceName)
	case err != nil:
		return catalog.Sentence{Text: p.EventLockedAll()}
	case n == 0:
		return catalog.Sentence{Text: p.EventLockedNone()}
	}
	return catalog.Sentence{Text: p.EventLockedDevices(n)}
}

// copiedSignIn is how a copied sign-in was used, or nil if that is not known.
func copiedSignIn(r *models.Reuse) *views.CopiedSignIn {
	c := auth.DescribeReuse(r)
	if c == nil {
		return nil
	}
	told := views.CopiedSignIn{SignedInFrom: c.SignedInFrom, Apart: c.Apart}
	for _, u := range c.Uses {
		told.Uses = append(told.Uses, views.TokenUse{Address: u.Address, Program: u.Program, SignedIn: u.SignedIn})
	}
	return &told
}
