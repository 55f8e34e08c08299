// Package auth is the kernel of what decides: who asks ([Caller]), what a refusal is ([Error]), what text is accepted, what time
// it is, and how an event begins.
//
// Each subject has a package of its own beneath this folder, with a service type that takes the few others that it needs. They
// stand on layers, and a package imports only what stands lower:
//
//	services            puts all of them together: programs and tests begin here
//	support, operator   what the support staff see; what the operator does, sweeping, readiness
//	account, deletion,  sign-up, address, password, "This wasn't me", export; the end of an account;
//	device              the list of devices and their activity
//	signin              password checks within their limits, apps, browsers and their sessions
//	token               devices and their tokens, refresh, access tokens, status lists, DPoP proofs
//	notify, ratelimit   notifications, outbox and mailed links; limits, the gate before sign-ins, hashing
//	keys, client        the keys that sign; registered apps
//	auth                this package
//	resource            what resource servers import
//	dpop, keyring       protocol alone: no store and no service
//	jws, statuslist, seal, password, devicetoken, mail, origin
//
// None of them knows HTTP or HTML, resource excepted: web turns answers and errors into both.
package auth
