// Package auth decides: who is signed in, what a device token is worth, who may do what. It owns the crypto and the
// clock, and calls models for every row. It knows no HTTP and no HTML; web turns its answers and errors into both.
package auth
