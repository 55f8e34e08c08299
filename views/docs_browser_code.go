package views

// What the operator and an app's servers need.
const (
	browserCommand = `latchkey client update notes --origin https://notes.example.com`

	introspectCommand = `latchkey client add "Photo server" --id photos --confidential`

	introspectCall = `curl -s -u "$CLIENT_ID:$CLIENT_SECRET" {base}/oauth/introspect -d "token=$ACCESS"`

	introspectActive = `{"active":true,"client_id":"notes","token_type":"Bearer","exp":1795435200,"iat":1795434300,
 "sub":"01a20987-ec11-7b0e-9a53-6f6a1f2f7c52","aud":["https://api.example.com","https://id.example.com"],
 "iss":"https://id.example.com","jti":"7H2QK5VYJ4XW3ZTA7H2QK5VYJ4","sid":"01a20987-ee3e-7299-8ce8-119a91a6da0e",
 "auth_time":1795248000,"acr":"aal2","amr":["pwd","otp","mfa"]}`

	introspectInactive = `{"active":false}`

	scopeCommand = `latchkey client update notes --scope own_devices:read --scope photos:read`

	scopeServer = `verifier, err := resource.New(resource.Config{
    Issuer: "{issuer}", Discover: true, Audience: "https://api.example.com",
    Metadata: resource.Metadata{
        Resource: "https://api.example.com", Scopes: []string{"photos:read"},
    },
})
// …
http.Handle("GET "+verifier.MetadataPath(), verifier.Metadata())
http.Handle("/photos", verifier.Require(resource.Scope("photos:read"))(photos))`
)
