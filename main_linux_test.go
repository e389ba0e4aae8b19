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
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

// However a provider ends, the command of an External profile ends with it, and a sign-in whose
// renewal was requested is saved.
func TestProviderEndsInGoodOrder(t *testing.T) {
	t.Parallel()
	certificate := filepath.Join(t.TempDir(), "certificate.pem")
	if err := os.WriteFile(certificate, castest.CertPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, end := range map[string]func(*played, *testing.T) error{
		"Terraform needs it no longer": func(p *played, t *testing.T) error {
			// The response doesn't always get through.
			_ = p.conn.Invoke(t.Context(), "/plugin.GRPCController/Shutdown", new(emptypb.Empty), new(emptypb.Empty))
			return nil
		},
		"Terraform is killed": func(p *played, t *testing.T) error {
			err := p.Process.Kill()
			_ = p.Wait()
			_ = p.try(t.Context(), "GetMetadata", "{}") // which writes to the log
			return err
		},
		"SIGTERM to the group": func(p *played, _ *testing.T) error { return syscall.Kill(-p.Process.Pid, syscall.SIGTERM) },
		"SIGHUP to the group":  func(p *played, _ *testing.T) error { return syscall.Kill(-p.Process.Pid, syscall.SIGHUP) },
	} {
		t.Run(name+"/command", func(t *testing.T) {
			t.Parallel()
			p := start(t, "terraform", external)
			p.read(t)
			p.says(t)
			if err := end(p, t); err != nil {
				t.Fatal(err)
			}
			p.ends(t)
		})
		t.Run(name+"/renewal", func(t *testing.T) {
			t.Parallel()
			issuer := castest.StartIssuer()
			t.Cleanup(issuer.Close)
			requested, respond := make(chan bool), make(chan bool)
			issuer.Script("oauth", func(w http.ResponseWriter, r *http.Request) {
				requested <- true
				<-respond
				castest.Body(200, "application/json", `{"access_token": "new-access", "refresh_token": "new-refresh"}`)(w, r)
			})
			p := start(t, "terraform", `"mode": "OAuth", "oauth_site_type": "CN", "oauth_refresh_token": "old-refresh"`,
				"HTTPS_PROXY="+issuer.ProxyURL(), "SSL_CERT_FILE="+certificate)
			p.read(t)
			<-requested
			err := end(p, t)
			close(respond)
			if err != nil {
				t.Fatal(err)
			}
			p.ends(t)
			if content, err := os.ReadFile(p.config()); !strings.Contains(string(content), "new-refresh") {
				t.Errorf("got %s, %v, want the new refresh token in it", content, err)
			}
		})
	}
}

// A SIGHUP that was ignored when the provider started ends nothing.
func TestProviderOutlivesItsTerminal(t *testing.T) {
	t.Parallel()
	p := start(t, "nohup terraform", external)
	if err := syscall.Kill(-p.Process.Pid, syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.serves(t)
}

// A signal interrupts the wait for the end of Terraform, which goes on.
func TestProviderEndsWithTerraformAfterASignal(t *testing.T) {
	t.Parallel()
	p := start(t, "terraform", external)
	p.read(t)
	provider, err := strconv.Atoi(p.says(t))
	if err != nil {
		t.Fatal(err)
	}
	threads, err := os.ReadDir("/proc/" + strconv.Itoa(provider) + "/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		if id, err := strconv.Atoi(thread.Name()); err == nil {
			_ = unix.Tgkill(provider, id, syscall.SIGURG)
		}
	}
	p.serves(t)
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.ends(t)
}

// A command stays in Terraform's process group, so it may use the terminal.
func TestCommandAsksAtTheTerminal(t *testing.T) {
	t.Parallel()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	number, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	const command = `"sh -c 'echo Code? >/dev/tty; read code </dev/tty; echo $code >&3'"`
	p := start(t, "terminal terraform", `"mode": "External", "process_command": `+command,
		terminal+"=/dev/pts/"+strconv.Itoa(number))
	p.read(t)
	question, err := bufio.NewReader(screen).ReadString('\n')
	if _, failed := screen.WriteString("123456\n"); err != nil || failed != nil || question != "Code?\r\n" {
		t.Fatalf("got %q, %v, %v, want a question", question, err, failed)
	}
	if got := p.says(t); got != "123456" {
		t.Errorf("got code %s, want the one that was typed", got)
	}
}
