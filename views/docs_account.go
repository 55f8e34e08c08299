package views

// Acts on the account, as lines that can be copied. Each part goes on where the one before it ended.
const (
	actsAccount = `EMAIL='you@example.com'
PASSWORD='your own password'
ACCESS='an access token of your app'`

	actsConfirmation = `confirmation() {
  curl -s {base}/api/confirmation -H "Authorization: Bearer $ACCESS" \
    -H 'Content-Type: application/json' -d "{\"password\":\"$PASSWORD\"}" |
    sed 's/.*"confirmation":"\([^"]*\)".*/\1/'
}
act() {
  curl -s -w '%{http_code}\n' -X "$1" {base}"$2" \
    -H "Authorization: Bearer $ACCESS" -H 'Content-Type: application/json' \
    -d "{\"confirmation\":\"$(confirmation)\"${3:-}}"
}`

	actsSignedIn = `act DELETE /api/devices
act PUT /api/account/password ',"new_password":"nine lives of a cat"'
PASSWORD='nine lives of a cat'
act PUT /api/account/email ',"email":"you@example.net"'`

	actsDeletion = `act DELETE /api/account`

	actsStranger = `curl -s {base}/api/account -H 'Content-Type: application/json' \
  -d '{"email":"new@example.com","password":"nine lives of a cat"}'
curl -s {base}/api/account/password-reset \
  -H 'Content-Type: application/json' -d "{\"email\":\"$EMAIL\"}"`
)
