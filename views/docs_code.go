package views

// Proofs by RFC 9449 with a key that cannot leave the phone.
const (
	swiftProof = `import CryptoKit
import Foundation
import Security

typealias DeviceKey = SecureEnclave.P256.Signing.PrivateKey

// Once, before signing in. What is stored opens only in this phone's Secure Enclave: keep it in the
// Keychain, and make the key again from DeviceKey(dataRepresentation:).
func makeKey() throws -> (key: DeviceKey, stored: Data) {
  let access = SecAccessControlCreateWithFlags(
    nil, kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly, .privateKeyUsage, nil)!
  let key = try DeviceKey(accessControl: access)
  return (key, key.dataRepresentation)
}

func base64url(_ data: some DataProtocol) -> String {
  Data(data).base64EncodedString().replacingOccurrences(of: "+", with: "-")
    .replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
}

func proof(_ key: DeviceKey, _ method: String, _ url: String,
           accessToken: String? = nil, nonce: String? = nil) throws -> String {
  let point = key.publicKey.rawRepresentation  // x, then y: 32 bytes each
  let jwk = ["kty": "EC", "crv": "P-256", "x": base64url(point.prefix(32)), "y": base64url(point.suffix(32))]
  let header: [String: Any] = ["typ": "dpop+jwt", "alg": "ES256", "jwk": jwk]
  var claims: [String: Any] = ["jti": UUID().uuidString, "htm": method, "htu": url,
                               "iat": Int(Date().timeIntervalSince1970)]
  if let accessToken { claims["ath"] = base64url(Data(SHA256.hash(data: Data(accessToken.utf8)))) }
  if let nonce { claims["nonce"] = nonce }
  let input = try [header, claims].map { base64url(try JSONSerialization.data(withJSONObject: $0)) }
    .joined(separator: ".")
  let signature = try key.signature(for: Data(input.utf8))  // over its SHA-256
  return input + "." + base64url(signature.rawRepresentation)  // r, then s: as a JWS has it
}`

	kotlinProof = `import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyProperties
import android.util.Base64
import java.math.BigInteger
import java.security.*
import java.security.interfaces.ECPublicKey
import java.security.spec.ECGenParameterSpec
import java.util.UUID
import org.json.JSONObject

const val ALIAS = "latchkey"
val store: KeyStore = KeyStore.getInstance("AndroidKeyStore").apply { load(null) }

// Once, before signing in. The private key never leaves the Keystore, and no backup holds it.
fun makeKey() {
  val spec = KeyGenParameterSpec.Builder(ALIAS, KeyProperties.PURPOSE_SIGN)
    .setAlgorithmParameterSpec(ECGenParameterSpec("secp256r1"))
    .setDigests(KeyProperties.DIGEST_SHA256)
    .build()
  KeyPairGenerator.getInstance(KeyProperties.KEY_ALGORITHM_EC, "AndroidKeyStore")
    .apply { initialize(spec) }.generateKeyPair()
}

fun base64url(b: ByteArray): String =
  Base64.encodeToString(b, Base64.URL_SAFE or Base64.NO_PADDING or Base64.NO_WRAP)

fun fixed(n: BigInteger): ByteArray {  // 32 bytes, zeros in front
  val raw = n.toByteArray().takeLast(32).toByteArray()
  return ByteArray(32 - raw.size) + raw
}

fun jose(der: ByteArray): ByteArray {  // 30 len 02 n r 02 m s becomes r, then s: as a JWS has it
  val n = der[3].toInt()
  return fixed(BigInteger(1, der.copyOfRange(4, 4 + n))) + fixed(BigInteger(1, der.copyOfRange(6 + n, der.size)))
}

fun proof(method: String, url: String, accessToken: String? = null, nonce: String? = null): String {
  val point = (store.getCertificate(ALIAS).publicKey as ECPublicKey).w
  val jwk = JSONObject().put("kty", "EC").put("crv", "P-256")
    .put("x", base64url(fixed(point.affineX))).put("y", base64url(fixed(point.affineY)))
  val header = JSONObject().put("typ", "dpop+jwt").put("alg", "ES256").put("jwk", jwk)
  val claims = JSONObject().put("jti", UUID.randomUUID().toString()).put("htm", method).put("htu", url)
    .put("iat", System.currentTimeMillis() / 1000)
  accessToken?.let {
    claims.put("ath", base64url(MessageDigest.getInstance("SHA-256").digest(it.toByteArray())))
  }
  nonce?.let { claims.put("nonce", it) }
  val input = listOf(header, claims).joinToString(".") { base64url(it.toString().toByteArray()) }
  val signature = Signature.getInstance("SHA256withECDSA").run {
    initSign(store.getKey(ALIAS, null) as PrivateKey)
    update(input.toByteArray())
    sign()
  }
  return input + "." + base64url(jose(signature))
}`

	thumbprintOf = `base64url(SHA-256({"crv":"P-256","kty":"EC","x":"…","y":"…"}))`
)
