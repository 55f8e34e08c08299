package views

// AppAuth for iOS 2 and for Android 0.11. No test can run them here: each name was looked up in their sources.
const (
	swiftAppAuth = `import AppAuth

final class SignIn: NSObject, OIDAuthStateChangeDelegate {
  private var state: OIDAuthState? = stored()
  private var session: OIDExternalUserAgentSession?  // as long as the browser is open

  override init() {
    super.init()
    state?.stateChangeDelegate = self  // is not stored with the state
  }

  func begin(_ controller: UIViewController, maxAge: String? = nil, acr: String? = nil) {
    OIDAuthorizationService.discoverConfiguration(forIssuer: URL(string: "{issuer}")!) { found, error in
      guard let found else { return self.show(error) }
      var more = ["device_name": UIDevice.current.name]
      more["max_age"] = maxAge  // both from a server that demands a new proof
      more["acr_values"] = acr
      let request = OIDAuthorizationRequest(
        configuration: found, clientId: "notes", scopes: [OIDScopeOpenID, "email"],
        redirectURL: URL(string: "com.example.notes:/cb")!, responseType: OIDResponseTypeCode,
        additionalParameters: more)  // state, nonce and PKCE are made here
      self.session = OIDAuthState.authState(byPresenting: request, presenting: controller) { new, error in
        guard let new else { return self.show(error) }
        let before = self.state, person = subject(new)
        guard person != nil, before == nil || subject(before) == person else { return self.revoke(new) }  // another account
        self.state = new
        new.stateChangeDelegate = self
        keep(new)
        if let before { self.revoke(before) }  // the device of the sign-in before
      }
    }
  }

  func didChange(_ state: OIDAuthState) { keep(state) }  // store first: it comes before the actions

  // call runs an action with a good access token. AppAuth refreshes once for all actions that wait.
  func call(tries: Int = 6, wait: Double = 1, _ action: @escaping (String?) -> Void) {
    guard let state else { return action(nil) }
    state.performAction { token, _, error in
      guard let error = error as NSError? else { return action(token) }  // look at the error first
      let answer = error.userInfo[OIDOAuthErrorResponseErrorKey] as? [String: Any]
      if answer?["error"] as? String == "invalid_grant" {  // the only answer that ends a sign-in
        self.state = nil
        forget()
        action(nil)  // answer?["reason"] says why
      } else if tries > 1 {  // no network, 429 or 5xx: the same token again
        DispatchQueue.main.asyncAfter(deadline: .now() + wait * .random(in: 0.5...1.5)) {
          self.call(tries: tries - 1, wait: wait * 2, action)
        }
      } else {
        self.show(error)  // offline, and signed in still
      }
    }
  }

  func signOut(_ controller: UIViewController) {
    guard let before = state else { return }
    state = nil
    forget()
    revoke(before)
    // The person may sign out of the browser, too. AppAuth has no ID token after a refresh: client_id will do.
    guard let agent = OIDExternalUserAgentIOS(presenting: controller) else { return }
    let request = OIDEndSessionRequest(
      configuration: before.lastAuthorizationResponse.request.configuration, idTokenHint: "",
      postLogoutRedirectURL: URL(string: "com.example.notes:/bye")!, additionalParameters: ["client_id": "notes"])
    session = OIDAuthorizationService.present(request, externalUserAgent: agent) { _, _ in }
  }

  func revoke(_ state: OIDAuthState) { /* POST {base}/oauth/revoke: token=state.refreshToken&client_id=notes */ }
  func show(_ error: Error?) { /* tell the person */ }
}

func subject(_ state: OIDAuthState?) -> String? {  // of the access token, which is a JWT: AppAuth has no ID token after a refresh
  state?.lastTokenResponse?.accessToken.flatMap { OIDIDToken(idTokenString: $0)?.subject }
}

// The Keychain, on this device alone: no backup takes it to another one.
let item: [CFString: Any] = [kSecClass: kSecClassGenericPassword, kSecAttrService: "latchkey"]

func keep(_ state: OIDAuthState) {
  guard let data = try? NSKeyedArchiver.archivedData(withRootObject: state, requiringSecureCoding: true) else { return }
  let value: [CFString: Any] = [
    kSecValueData: data, kSecAttrAccessible: kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly,
  ]
  if SecItemUpdate(item as CFDictionary, value as CFDictionary) == errSecItemNotFound {
    SecItemAdd(item.merging(value) { $1 } as CFDictionary, nil)
  }
}

func stored() -> OIDAuthState? {
  var found: CFTypeRef?
  SecItemCopyMatching(item.merging([kSecReturnData: true]) { $1 } as CFDictionary, &found)
  return (found as? Data).flatMap { try? NSKeyedUnarchiver.unarchivedObject(ofClass: OIDAuthState.self, from: $0) }
}

func forget() { SecItemDelete(item as CFDictionary) }`

	kotlinAppAuth = `import android.content.Context
import android.content.Intent
import android.net.Uri
import android.os.Build
import android.os.Handler
import android.os.Looper
import android.util.AtomicFile
import android.util.Base64
import java.io.File
import kotlin.random.Random
import net.openid.appauth.*
import net.openid.appauth.AuthorizationException.TokenRequestErrors
import org.json.JSONObject

class SignIn(context: Context, private val show: (Exception?) -> Unit) {
  private val service = AuthorizationService(context)
  private val file = AtomicFile(File(context.noBackupFilesDir, "sign-in.json"))  // in no backup, and replaced in one step
  private var state: AuthState? = if (file.baseFile.exists()) AuthState.jsonDeserialize(String(file.readFully())) else null

  private fun keep(state: AuthState) {
    val out = file.startWrite()
    out.write(state.jsonSerializeString().toByteArray())
    file.finishWrite(out)
  }

  // launch starts the intent with an ActivityResultLauncher, whose result comes to finish.
  fun begin(maxAge: String? = null, acr: String? = null, launch: (Intent) -> Unit) {
    AuthorizationServiceConfiguration.fetchFromIssuer(Uri.parse("{issuer}")) { found, error ->
      if (found == null) return@fetchFromIssuer show(error)
      val more = buildMap {
        put("device_name", Build.MODEL)
        maxAge?.let { put("max_age", it) }  // both from a server that demands a new proof
        acr?.let { put("acr_values", it) }
      }
      val request = AuthorizationRequest.Builder(found, "notes", ResponseTypeValues.CODE, Uri.parse("com.example.notes:/cb"))
        .setScopes("openid", "email").setAdditionalParameters(more).build()  // state, nonce and PKCE are made here
      launch(service.getAuthorizationRequestIntent(request))
    }
  }

  fun finish(data: Intent) {
    val answer = AuthorizationResponse.fromIntent(data) ?: return show(AuthorizationException.fromIntent(data))
    service.performTokenRequest(answer.createTokenExchangeRequest()) { tokens, error ->
      if (tokens == null) return@performTokenRequest show(error)
      val before = state
      val new = AuthState(answer, tokens, null)
      if (before != null && subject(before) != subject(new)) return@performTokenRequest revoke(new)  // another account
      keep(new)
      state = new
      before?.let(::revoke)  // the device of the sign-in before
    }
  }

  // call runs an action with a good access token. AppAuth refreshes once for all actions that wait.
  fun call(tries: Int = 6, wait: Long = 1000, action: (String?) -> Unit) {
    val state = state ?: return action(null)
    state.performActionWithFreshTokens(service) { token, _, error ->
      when {
        error == null -> { keep(state); action(token) }  // store first
        error == TokenRequestErrors.INVALID_GRANT -> { file.delete(); this.state = null; action(null) }
        tries > 1 -> Handler(Looper.getMainLooper()).postDelayed(  // no network, 429 or 5xx: the same token again
          { call(tries - 1, wait * 2, action) }, wait / 2 + Random.nextLong(wait))
        else -> show(error)  // offline, and signed in still
      }
    }
  }

  // signOut returns an intent with which the person may sign out of the browser, too.
  fun signOut(): Intent? {
    val before = state ?: return null
    state = null
    file.delete()
    revoke(before)
    // AppAuth has no ID token after a refresh: client_id will do.
    return service.getEndSessionRequestIntent(EndSessionRequest.Builder(before.authorizationServiceConfiguration!!)
      .setPostLogoutRedirectUri(Uri.parse("com.example.notes:/bye")).setAdditionalParameters(mapOf("client_id" to "notes")).build())
  }

  private fun subject(state: AuthState): String =  // of the access token, which is a JWT: AppAuth has no ID token after a refresh
    JSONObject(String(Base64.decode(state.lastTokenResponse!!.accessToken!!.split(".")[1], Base64.URL_SAFE))).getString("sub")

  private fun revoke(state: AuthState) { /* POST {base}/oauth/revoke: token=state.refreshToken&client_id=notes */ }
}`

	gradleAppAuth = `android.defaultConfig.manifestPlaceholders = ["appAuthRedirectScheme": "com.example.notes"]`
)
