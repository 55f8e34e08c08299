// Package auth is the kernel that the services in this folder share: the caller of a request ([Caller]), errors and their kinds
// ([Error]), the validation of texts, the keys of e-mail addresses, the clock, the policies that several packages follow ([Idle],
// [FactorPolicy]), and the first fields of an event.
//
// Each subject has a package of its own, with a service type that takes the few other services that it needs. The packages form
// layers, and each imports only packages of lower layers:
//
//	services            constructs all services: programs and tests start here
//	support, operator   what the support staff see; the operator's commands, sweeping, readiness
//	grant               sign-in on apps through the browser: requests, codes (OAuth 2.1, OpenID Connect); on devices without one (RFC 8628)
//	address             changes of the e-mail address, and the way back to a former one
//	account, export,    sign-up, password, "This wasn't me"; the download of all that is stored about an account;
//	deletion, language, the deletion of accounts; the language of pages and mails;
//	incident            the sign-out of many devices at once, after a security incident
//	transfer            the import and export of accounts
//	factor, device      passkeys, authenticator app, recovery codes; the list of devices and the activity
//	signin, confirm,    sign-in on apps and browsers; confirmation of a sensitive act;
//	logout, webhook     clients that are told about sign-outs, or ask for one; systems that are told of events
//	browser             browser sessions
//	token, challenge,   devices and their tokens; challenges of second steps and passkeys, and their answers;
//	passwordcheck       the check of a password, within the limits
//	notify, client,     notifications, outbox and mailed links; registered apps and their secrets;
//	revocation          the status lists, which publish the devices that are revoked
//	keys, ratelimit,    signing keys; limits, the gate for sign-ins, hashing;
//	stats               numbers of events by day
//	auth                this package
//	resource            the package that resource servers import
//	dpop, keyring, totp DPoP proofs; signing keys; codes of authenticator apps
//	passkey, recovery   passkeys; recovery codes
//	password/foreign    password hashes of other systems
//	jws, statuslist, seal, password, devicetoken, mail, origin, place, deliver, tally
//
// The packages drawn below auth hold protocols only: they know neither the store nor a service. Of these, tally counts what metrics show.
//
// Except for resource, no package knows HTTP or HTML. Package web turns results and errors into both.
package auth
