// Package webhook tells the operator's systems of events, as the Standard Webhooks specification says (https://www.standardwebhooks.com): signed
// requests, repeated for a day.
package webhook
