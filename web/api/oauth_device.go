package api

import (
	"net/http"
	"net/url"

	"latchkey/auth"
	"latchkey/auth/grant"
	"latchkey/web/wire"
)

// deviceCodeGrant is the grant_type of a device code (RFC 8628 §3.4).
const deviceCodeGrant = "urn:ietf:params:oauth:grant-type:device_code"

// deviceAuthorization is the answer of the device authorization endpoint (RFC 8628 §3.2).
type deviceAuthorization struct {
	DeviceCode string `json:"device_code"`
	UserCode   string `json:"user_code"`
	URI        string `json:"verification_uri"`
	Complete   string `json:"verification_uri_complete"`
	ExpiresIn  int64  `json:"expires_in"` // seconds
	Interval   int64  `json:"interval"`   // seconds
}

// DeviceAuthorization gives a device without a browser the codes with which a person approves it elsewhere (RFC 8628 §3.1).
func (s *Server) DeviceAuthorization(w http.ResponseWriter, r *http.Request) error {
	c, err := s.oauthRequest(r, "scope", "device_name", "installation_id")
	if err != nil {
		return err
	}
	if c.Params["installation_id"] != "" { // it would wait in the database for a person
		return auth.InvalidField("installation_id", "Send it to the token endpoint, with the device code.")
	}
	codes, err := s.deviceCodes.Start(r.Context(), grant.DeviceRequest{
		Client: c.client, Scope: c.Params["scope"], DeviceName: c.Params["device_name"], Proof: s.proof(w, r), From: c.from,
	})
	if err != nil {
		return err
	}
	uri := s.base + "/device"
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, deviceAuthorization{
		DeviceCode: codes.DeviceCode, UserCode: codes.UserCode, URI: uri, Complete: uri + "?user_code=" + url.QueryEscape(codes.UserCode),
		ExpiresIn: codes.ExpiresIn, Interval: codes.Interval,
	})
}

// deviceGrant asks whether a device code was approved (RFC 8628 §3.4).
func (s *Server) deviceGrant(w http.ResponseWriter, r *http.Request, c oauthCall) error {
	if c.Params["device_code"] == "" {
		return wire.BadBody("device_code is missing.", nil)
	}
	answer, err := s.deviceCodes.Poll(r.Context(), grant.DevicePoll{Code: c.Params["device_code"], Client: c.client, Proof: s.proof(w, r), From: c.from, Installation: installationOf(c.Params)})
	if err != nil {
		return err
	}
	return wire.WriteJSON(w, http.StatusOK, wire.JSONType, answer)
}
