// Package mail delivers mails: to an SMTP server (RFC 5321), or, for development, as files in a folder. Its callers decide what to
// send to whom, and when to try again.
package mail
