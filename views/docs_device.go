package views

// The sign-in of a television, in two parts: a person approves the code between them.
const (
	deviceStart = `CLIENT='your-tv' # registered with: latchkey client add TV --id your-tv --device-grant
curl -s {base}/oauth/device_authorization -d "client_id=$CLIENT" \
  -d 'device_name=Living room' -d 'scope=openid email' | tee codes.json`

	deviceAnswer = `{"device_code":"lkd_…","user_code":"WDJB-MJHT",
 "verification_uri":"{base}/device",
 "verification_uri_complete":"{base}/device?user_code=WDJB-MJHT",
 "expires_in":600,"interval":5}`

	devicePoll = `DEVICE_CODE=$(sed 's/.*"device_code":"\([^"]*\)".*/\1/' codes.json)
PAUSE=5
while :; do
  sleep $PAUSE
  curl -s {base}/oauth/token -d grant_type=urn:ietf:params:oauth:grant-type:device_code \
    -d "client_id=$CLIENT" -d "device_code=$DEVICE_CODE" > answer.json || continue
  case $(sed -n 's/.*"error":"\([^"]*\)".*/\1/p' answer.json) in
    authorization_pending|temporarily_unavailable) ;;
    slow_down) PAUSE=$((PAUSE + 5)) ;;
    *) break ;;
  esac
done
cat answer.json
rm codes.json answer.json`
)
