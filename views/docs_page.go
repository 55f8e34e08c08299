package views

// DocsPage is the manual for developers of apps.
type DocsPage struct {
	Shell
	BaseURL       string // of this server: curl lines can be copied as they stand
	DPoPRequired  bool   // new devices must be bound to a key
	NonceRequired bool   // proofs must carry a nonce of the server's
}
