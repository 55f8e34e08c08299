package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"latchkey/models/modelstest"
)

const proxiedHost = "id.example.com" // as in the samples

// behind starts a server that believes a proxy on this machine, as OPERATIONS.md sets it up.
func behind(t *testing.T) server {
	t.Helper()
	url := modelstest.SQLite(t)
	addUser(t, url, ada)
	return serve(t, url, func(s *Settings) {
		s.BaseURL, s.TrustedProxies = "https://"+proxiedHost, []string{"127.0.0.1/32", "::1/128"}
	})
}

// sample reads a sample of a proxy's configuration. OPERATIONS.md must show the same text.
func sample(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(releaseFile(name))
	if err != nil {
		t.Fatal(err)
	}
	if manual, err := os.ReadFile(filepath.Join(repoRoot, "OPERATIONS.md")); err != nil || !strings.Contains(string(manual), "\n"+string(text)+"```") {
		t.Errorf("OPERATIONS.md does not show %s (%v)", name, err)
	}
	return string(text)
}

// replaced puts what a test needs into a sample; each text must be there.
func replaced(t *testing.T, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("the sample has no %q", pairs[i])
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

// freeAddress is a loopback address that was free a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// runProxy runs a program until the end of the test, and waits until it listens.
func runProxy(t *testing.T, address, program string, args ...string) {
	t.Helper()
	var said transcript
	command := exec.Command(program, args...)
	command.Dir, command.Stdout, command.Stderr = t.TempDir(), &said, &said
	command.Env = append(os.Environ(), "HOME="+command.Dir, "XDG_DATA_HOME="+command.Dir, "XDG_CONFIG_HOME="+command.Dir)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	t.Cleanup(func() {
		_ = command.Process.Signal(os.Interrupt)
		err := <-ended
		if t.Failed() {
			t.Log(err, said.String())
		}
	})
	eventually(t, time.Minute, program+" listens", func() bool {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("%s ended: %v", program, err)
		default:
		}
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

// stranger is a client at another IP address than the proxy's, who takes the proxy for id.example.com.
func stranger(t *testing.T, proxy string, roots *x509.CertPool) *http.Client {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	transport := &http.Transport{
		DialContext:     func(ctx context.Context, _, _ string) (net.Conn, error) { return dialer.DialContext(ctx, "tcp", proxy) },
		TLSClientConfig: &tls.Config{RootCAs: roots},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, CheckRedirect: straight.CheckRedirect}
}

// signsInThrough signs in and looks at what the server knows of the client: its IP address, and not the one that it claims to have.
func signsInThrough(t *testing.T, client *http.Client, base string) {
	t.Helper()
	page := send(t, client, http.MethodGet, base+"/login?code=hunter2hunter2", "")
	if page.status != 200 || !strings.Contains(page.header.Get("Strict-Transport-Security"), "max-age") {
		t.Errorf("the page: %d %v", page.status, page.header)
	}
	body := fmt.Sprintf(`{"email":%q,"password":%q,"device_name":"phone"}`, ada, password)
	device := send(t, client, http.MethodPost, base+"/api/login", body, "Content-Type", "application/json", "X-Forwarded-For", "203.0.113.9").want(t, 200)
	list := send(t, client, http.MethodGet, base+"/api/devices", "", "Authorization", "Bearer "+device.field("access_token"))
	if list.status != 200 || !strings.Contains(list.body, `"last_ip":"127.0.0.2"`) || strings.Contains(list.body, "203.0.113.9") {
		t.Errorf("devices: %d %s", list.status, list.body)
	}
}

func TestPeopleSignInThroughNginx(t *testing.T) {
	nginx, folder, s, address := tool(t, "nginx"), t.TempDir(), behind(t), freeAddress(t)
	certificate, key, roots := certificateFor(t, proxiedHost, folder)
	log := filepath.Join(folder, "access.log")
	site := replaced(t, sample(t, "nginx.conf"), "listen 443 ssl", "listen "+address+" ssl", "/etc/ssl/id.example.com.pem", certificate, "/etc/ssl/id.example.com.key", key,
		"/var/log/nginx/latchkey.log", log, "http://127.0.0.1:8080", "http://"+s.address.String())
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;" // what the test makes is for its own user alone
	}
	conf := filepath.Join(folder, "nginx.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, "daemon off; %s pid %[2]s/pid; error_log stderr; events {}\nhttp {\nclient_body_temp_path %[2]s/body; proxy_temp_path %[2]s/proxy; "+
		"fastcgi_temp_path %[2]s/fastcgi; uwsgi_temp_path %[2]s/uwsgi; scgi_temp_path %[2]s/scgi;\n%[3]s}\n", user, folder, site), 0o600); err != nil {
		t.Fatal(err)
	}
	runProxy(t, address, nginx, "-p", folder, "-c", conf)
	signsInThrough(t, stranger(t, address, roots), "https://"+proxiedHost)
	eventually(t, time.Minute, "nginx writes its log", func() bool {
		written, _ := os.ReadFile(log)
		return strings.Contains(string(written), "/api/devices")
	})
	if written, _ := os.ReadFile(log); !strings.Contains(string(written), `"GET /login" 200`) || strings.Contains(string(written), "hunter2") {
		t.Errorf("the access log: %s", written)
	}
}

func TestPeopleSignInThroughCaddy(t *testing.T) {
	caddy, s, address := tool(t, "caddy"), behind(t), freeAddress(t)
	text := sample(t, "Caddyfile")
	validate := exec.Command(caddy, "validate", "--adapter", "caddyfile", "--config", releaseFile("Caddyfile"))
	validate.Env = append(os.Environ(), "HOME="+t.TempDir(), "XDG_DATA_HOME="+t.TempDir())
	if out, err := validate.CombinedOutput(); err != nil {
		t.Fatalf("caddy validate: %v: %s", err, out)
	}
	_, port, _ := net.SplitHostPort(address)
	conf := filepath.Join(t.TempDir(), "Caddyfile")
	site := replaced(t, text, proxiedHost+" {", "http://"+proxiedHost+":"+port+" {", "127.0.0.1:8080", s.address.String()) // no certificate authority is asked
	if err := os.WriteFile(conf, []byte("{\n\tadmin off\n\tauto_https off\n}\n"+site), 0o600); err != nil {
		t.Fatal(err)
	}
	runProxy(t, address, caddy, "run", "--adapter", "caddyfile", "--config", conf)
	signsInThrough(t, stranger(t, address, nil), "http://"+proxiedHost)
}

// certificateFor makes a certificate for a host that only this test trusts.
func certificateFor(t *testing.T, host, folder string) (certificate, key string, roots *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	certificate, key, roots = filepath.Join(folder, "site.pem"), filepath.Join(folder, "site.key"), x509.NewCertPool()
	for path, block := range map[string]*pem.Block{certificate: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: sealed}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if !roots.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})) {
		t.Fatal("the certificate cannot be read")
	}
	return certificate, key, roots
}
