package views

// What goes to and fro with a second factor, and how apps ask a passkey.
const (
	stepAsked = `{"status":403,"code":"second_factor_required","expires_in":300,
 "challenge":"q5jGyEEnUr0yd7bw6s3lmlPhC9sDyuhJAG4gdC2VMO4",
 "methods":["passkey","totp","recovery_code"],
 "public_key":{"challenge":"n2Jl…","rpId":"…","userVerification":"required",
               "allowCredentials":[{"type":"public-key","id":"pE2k…"}]}, …}`

	stepAnswered = `{"challenge":"q5jG…","method":"totp","code":"287082"}`

	passkeyAnswered = `{"challenge":"q5jG…","method":"passkey",
 "credential":{"id":"pE2k…","rawId":"pE2k…","type":"public-key",
   "response":{"clientDataJSON":"eyJ0…","authenticatorData":"SZYN…",
               "signature":"MEUC…","userHandle":"AaIJ…"},
   "clientExtensionResults":{}}}`

	confirmationGiven = `{"confirmation":"q5jGyEEnUr0yd7bw6s3lmlPhC9sDyuhJAG4gdC2VMO4","expires_in":300}`

	swiftPasskey = `import AuthenticationServices

func data(_ base64url: String) -> Data {
  var text = base64url.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
  while text.count % 4 != 0 { text += "=" }
  return Data(base64Encoded: text) ?? Data()
}

// publicKey is public_key of the answer. Perform the request with an ASAuthorizationController.
func request(_ publicKey: [String: Any]) -> ASAuthorizationRequest {
  let provider = ASAuthorizationPlatformPublicKeyCredentialProvider(
    relyingPartyIdentifier: publicKey["rpId"] as? String ?? "")
  let request = provider.createCredentialAssertionRequest(challenge: data(publicKey["challenge"] as? String ?? ""))
  request.userVerificationPreference = .required
  request.allowedCredentials = (publicKey["allowCredentials"] as? [[String: Any]] ?? []).map {
    ASAuthorizationPlatformPublicKeyCredentialDescriptor(credentialID: data($0["id"] as? String ?? ""))
  }
  return request
}

// The credential to send. base64url encodes as RFC 4648, section 5, without padding: see “Sign in with a key”.
func credential(_ a: ASAuthorizationPlatformPublicKeyCredentialAssertion) -> [String: Any] {
  let id = base64url(a.credentialID)
  let response = [
    "clientDataJSON": base64url(a.rawClientDataJSON), "authenticatorData": base64url(a.rawAuthenticatorData),
    "signature": base64url(a.signature), "userHandle": base64url(a.userID),
  ]
  return ["id": id, "rawId": id, "type": "public-key", "clientExtensionResults": [:] as [String: Any], "response": response]
}`

	kotlinPasskey = `import android.content.Context
import androidx.credentials.CredentialManager
import androidx.credentials.GetCredentialRequest
import androidx.credentials.GetPublicKeyCredentialOption
import androidx.credentials.PublicKeyCredential
import org.json.JSONObject

// publicKey is public_key of the answer; what comes back is the credential to send.
suspend fun passkey(activity: Context, publicKey: JSONObject): JSONObject {
  val request = GetCredentialRequest(listOf(GetPublicKeyCredentialOption(publicKey.toString())))
  val answer = CredentialManager.create(activity).getCredential(activity, request)
  return JSONObject((answer.credential as PublicKeyCredential).authenticationResponseJson)
}`
)
