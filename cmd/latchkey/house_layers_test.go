package main

import (
	"slices"
	"strings"
)

// kernel is the layer of package auth itself. The packages below it are pure protocol: they know neither the store nor a service.
const kernel = 3

// authLayers says how high each package of auth stands. A package imports only what stands lower.
var authLayers = map[string]int{
	"deliver": 0, "devicetoken": 0, "jws": 0, "mail": 0, "origin": 0, "password": 0, "seal": 0, "statuslist": 0, "tally": 0,
	"passkey": 0, "password/foreign": 0, "place": 0, "recovery": 0,
	"dpop": 1, "keyring": 1, "mail/mailtest": 1, "totp": 1,
	"resource": 2,
	"":         kernel,
	"keys":     4, "ratelimit": 4, "stats": 4,
	"notify": 5, "client": 5, "revocation": 5,
	"token": 6, "passwordcheck": 6, "challenge": 6,
	"browser": 7,
	"signin":  8, "confirm": 8, "logout": 8, "webhook": 8,
	"account": 9, "language": 9, "export": 9, "deletion": 9, "device": 9, "factor": 9, "grant": 9, "incident": 9, "transfer": 9,
	"address": 10,
	"support": 11, "operator": 11,
	"services": 12,
}

// webLayers says how high each package of web stands. A package imports only what stands lower.
var webLayers = map[string]int{"metrics": 0, "wire": 1, "api": 2, "": 3}

// layerOf is the layer of a package of auth or of web, by its import path.
func layerOf(layers map[string]int, pkg string) (layer int, known bool) {
	_, name, _ := strings.Cut(strings.TrimPrefix(pkg, module+"/"), "/")
	layer, known = layers[name]
	return layer, known
}

// verdictInAuth judges an import of a package in auth that no test makes.
func verdictInAuth(pkg, imported string) string {
	layer, known := layerOf(authLayers, pkg)
	if !known {
		return "it stands on no layer of auth"
	}
	if within(imported, module+"/models") {
		if layer < kernel {
			return "the packages below auth are pure protocol"
		}
		return ""
	}
	if below, known := layerOf(authLayers, imported); !known || below >= layer {
		return "in auth a package imports only what stands on a lower layer"
	}
	return ""
}

// verdictInWeb judges an import of a package in web that no test makes.
func verdictInWeb(pkg, imported string) string {
	layer, known := layerOf(webLayers, pkg)
	target := topFolder(imported)
	switch below, lower := layerOf(webLayers, imported); {
	case !known:
		return "it stands on no layer of web"
	case target == "web" && (!lower || below >= layer):
		return "in web a package imports only what stands on a lower layer"
	case (target == "views" || target == "static") && pkg != module+"/web":
		return "only web itself renders pages"
	case target != "web" && !slices.Contains(allowedImports["web"], target):
		return wrongWay
	}
	return ""
}
