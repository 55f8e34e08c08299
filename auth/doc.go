// Package auth is the kernel that all packages below this folder share: the caller of a request ([Caller]), errors and their kinds
// ([Error]), the validation of texts, the keys of e-mail addresses, the clock, the policies that several packages follow ([Idle],
// [FactorPolicy]), and the first fields of an event.
//
// Each subject has a package of its own, with a service type that takes the few other services that it needs. The packages form
// layers, and each imports only packages of lower layers:
//
//	services            constructs all services: programs and tests start here
//	support, operator   what the support staff see; the operator's commands, sweeping, readiness
//	address             changes of the e-mail address, and the way back to a former one
//	account, export,    sign-up, password, "This wasn't me"; everything that is stored of an account;
//	deletion            the deletion of accounts
//	factor, device      passkeys, authenticator app, recovery codes; the list of devices and their activity
//	signin, confirm     sign-in on apps and browsers; confirmation of a sensitive act: "it is you"
//	browser             browser sessions
//	token, challenge,   devices and their tokens, refresh, access tokens; second steps and passkeys: challenges and their answers;
//	passwordcheck       the check of a password, within the limits
//	notify, ratelimit   notifications, outbox and mailed links; limits, the gate for sign-ins, hashing
//	keys, client        signing keys; registered apps
//	auth                this package
//	resource            the package that resource servers import
//	dpop, keyring       protocols only, without store or service
//	passkey, totp,      passkeys; codes of authenticator apps;
//	recovery            recovery codes
//	jws, statuslist, seal, password, devicetoken, mail, origin
//
// Except for resource, no package knows HTTP or HTML. Package web turns results and errors into both.
package auth
