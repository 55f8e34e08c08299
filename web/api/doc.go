// Package api answers apps, backends and resource servers: sign-in and confirmation by apps, the devices of their owner, the OAuth
// endpoints, and what is published about them. Like package web it parses a request once, makes one call to auth and answers. The
// routes stand in package web, with their guards. Nothing here renders a page.
package api
