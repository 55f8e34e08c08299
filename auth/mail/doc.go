// Package mail hands mails over: to an SMTP server (RFC 5321), or as files to a folder for development. It decides
// nothing: whom to write what, and when to try again, is the caller's.
package mail
