package main

import (
	"bufio"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

// A sign-in whose renewal was requested is saved, however the provider ends.
func TestRenewalIsSaved(t *testing.T) {
	t.Parallel()
	certificate := filepath.Join(t.TempDir(), "certificate.pem")
	must(t, os.WriteFile(certificate, castest.CertPEM(), 0o600))
	for name, test := range endings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			issuer := castest.StartIssuer()
			t.Cleanup(issuer.Close)
			requested, respond := make(chan bool), make(chan bool)
			issuer.Script("oauth", func(w http.ResponseWriter, r *http.Request) {
				requested <- true
				<-respond
				castest.Body(200, "application/json", `{"access_token": "new-access", "refresh_token": "new-refresh"}`)(w, r)
			})
			p := start(t, test.as, `"mode": "OAuth", "oauth_site_type": "CN", "oauth_refresh_token": "old-refresh"`,
				"HTTPS_PROXY="+issuer.ProxyURL(), "SSL_CERT_FILE="+certificate)
			p.read()
			<-requested
			test.end(p)
			// This writes to the log, which nothing may read any more.
			_ = p.call("tfplugin6.Provider/GetMetadata", "")
			close(respond)
			p.ends(t)
			if content, err := os.ReadFile(p.config); !strings.Contains(string(content), "new-refresh") {
				t.Errorf("got %s, %v, want the new refresh token in it", content, err)
			}
		})
	}
}

// A signal interrupts the wait for the end of Terraform, which goes on.
func TestProviderEndsWithTerraformAfterASignal(t *testing.T) {
	t.Parallel()
	p := start(t, "terraform", external)
	p.read()
	provider, err := strconv.Atoi(p.says(t))
	must(t, err)
	threads, err := filepath.Glob("/proc/" + strconv.Itoa(provider) + "/task/*")
	must(t, err)
	for _, thread := range threads {
		id, _ := strconv.Atoi(filepath.Base(thread))
		_ = unix.Tgkill(provider, id, syscall.SIGURG)
	}
	p.serves(t)
	kill(p)
	p.ends(t)
}

// A command stays in Terraform's process group, so it may use the terminal.
func TestCommandPromptsAtTheTerminal(t *testing.T) {
	t.Parallel()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	must(t, err)
	t.Cleanup(func() { _ = screen.Close() })
	number, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	must(t, err, unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0))
	const command = `"sh -c 'echo Code? >/dev/tty; read code </dev/tty; echo $code >&3'"`
	p := start(t, "terminal terraform", `"mode": "External", "process_command": `+command,
		terminal+"=/dev/pts/"+strconv.Itoa(number))
	p.read()
	question, err := bufio.NewReader(screen).ReadString('\n')
	if _, failed := screen.WriteString("123456\n"); err != nil || failed != nil || question != "Code?\r\n" {
		t.Fatalf("got %q, %v, %v, want a question", question, err, failed)
	}
	if got := p.says(t); got != "123456" {
		t.Errorf("got code %s, want the one that was typed", got)
	}
}
