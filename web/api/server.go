package api

import (
	"net/http"

	"latchkey/auth"
	"latchkey/auth/account"
	"latchkey/auth/address"
	"latchkey/auth/client"
	"latchkey/auth/confirm"
	"latchkey/auth/deletion"
	"latchkey/auth/device"
	"latchkey/auth/grant"
	"latchkey/auth/keys"
	"latchkey/auth/operator"
	"latchkey/auth/revocation"
	"latchkey/auth/signin"
	"latchkey/auth/token"
	"latchkey/web/wire"
)

// Config is what a Server needs. Every field is required.
type Config struct {
	Keys        *keys.Service
	Clients     *client.Service
	Tokens      *token.Service
	Revocations *revocation.Service
	SignIn      *signin.Service
	Confirm     *confirm.Service
	Grants      *grant.Service
	DeviceCodes *grant.Devices
	Devices     *device.Service
	Operator    *operator.Service

	Accounts  *account.Service
	Addresses *address.Service
	Deletions *deletion.Service

	Locales  []string                                 // in which pages speak, as tags of BCP 47
	Base     string                                   // the public origin, as browsers write it
	Caller   func(*http.Request) (auth.Caller, error) // tells who sent a request
	Language func(*http.Request) string               // in which the sender of a sign-up wants the account, one of Locales; empty: there is no choice
	Judge    wire.Judge
}

// Server has the handlers. Each writes its answer or returns an error, which AnswerProblem or AnswerOAuth answers.
type Server struct {
	keys        *keys.Service
	clients     *client.Service
	revocations *revocation.Service
	tokens      *token.Service
	signIn      *signin.Service
	confirm     *confirm.Service
	grants      *grant.Service
	deviceCodes *grant.Devices
	devices     *device.Service
	operator    *operator.Service
	accounts    *account.Service
	addresses   *address.Service
	deletions   *deletion.Service
	locales     []string
	base        string
	caller      func(*http.Request) (auth.Caller, error)
	language    func(*http.Request) string
	judge       wire.Judge
	description document // of the API
	resource    string   // where this API describes itself (RFC 9728), for challenges
}

// Issuer is the iss of all tokens and answers.
func (s *Server) Issuer() string { return s.tokens.Config().Issuer }

// New makes a Server.
func New(c Config) *Server {
	s := &Server{
		keys: c.Keys, clients: c.Clients, revocations: c.Revocations, tokens: c.Tokens, signIn: c.SignIn, confirm: c.Confirm, grants: c.Grants, deviceCodes: c.DeviceCodes, devices: c.Devices, operator: c.Operator,
		accounts: c.Accounts, addresses: c.Addresses, deletions: c.Deletions,
		locales: c.Locales, base: c.Base, caller: c.Caller, language: c.Language, judge: c.Judge, description: newOpenAPI(c.Base),
	}
	s.resource = resourceMetadata(c.Tokens.Config().Issuer, c.Base)
	return s
}
