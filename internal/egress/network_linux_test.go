package egress

import (
	"crypto/tls"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest/peer"
)

// isolated is a variable of a process that has a network of its own, without any way out.
const isolated = "EGRESS_TEST_ISOLATED"

// isolate runs the calling test again in a process that has a network and an /etc/resolv.conf of
// its own, and reports whether it is that process.
func isolate(t *testing.T, resolvConf string) bool {
	t.Helper()
	if os.Getenv(isolated) == "" {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), self, "-test.run=^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$", "-test.v")
		cmd.Env = append(os.Environ(), isolated+"=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
		}
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "PASS: "+t.Name()) {
			t.Errorf("got %v, want the test passed where unprivileged users may make namespaces:\n%s", err, out)
		}
		return false
	}
	path := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(path, []byte(resolvConf), 0o600); err != nil {
		t.Fatal(err)
	}
	loopback, err := unix.NewIfreq("lo")
	if err != nil {
		t.Fatal(err)
	}
	loopback.SetUint16(unix.IFF_UP)
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, loopback),
		unix.Close(socket),
		unix.Mount(path, "/etc/resolv.conf", "", unix.MS_BIND, ""),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return true
}

// nameServer responds to queries on port 53 of a host until the test ends, except those of the
// types that it drops. The one name that it knows is of a peer at 127.0.0.3. It returns the names
// that were looked up.
func nameServer(t *testing.T, host, known string, drops ...dnsmessage.Type) func() []string {
	t.Helper()
	conn, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", net.JoinHostPort(host, "53"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	var mu sync.Mutex
	var names []string
	go func() {
		packet := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(packet)
			if err != nil {
				return
			}
			var query dnsmessage.Message
			if query.Unpack(packet[:n]) != nil || len(query.Questions) != 1 {
				continue
			}
			question := query.Questions[0]
			mu.Lock()
			names = append(names, question.Name.String())
			mu.Unlock()
			reply := dnsmessage.Message{Header: dnsmessage.Header{ID: query.ID, Response: true}, Questions: query.Questions}
			switch {
			case slices.Contains(drops, question.Type):
				continue
			case question.Name.String() != known:
				reply.RCode = dnsmessage.RCodeNameError
			case question.Type == dnsmessage.TypeA:
				reply.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: question.Name, Class: dnsmessage.ClassINET},
					Body:   &dnsmessage.AResource{A: [4]byte{127, 0, 0, 3}},
				}}
			}
			if packed, err := reply.Pack(); err == nil {
				_, _ = conn.WriteTo(packed, from)
			}
		}
	}()
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Compact(slices.Sorted(slices.Values(names)))
	}
}

// A name server that drops questions takes seconds, which the time of the request has to cover, and
// search domains would take as many again.
func TestNameServersWithTrouble(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		resolvConf string
		dropped    []dnsmessage.Type // by the name server at 127.0.0.1; the one at 127.0.0.2 drops all
	}{
		"drops-AAAA":   {resolvConf: "nameserver 127.0.0.1\n", dropped: []dnsmessage.Type{dnsmessage.TypeAAAA}},
		"first-silent": {resolvConf: "nameserver 127.0.0.2\nnameserver 127.0.0.1\nsearch a.test b.test c.test\noptions ndots:5\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !isolate(t, test.resolvConf) {
				return
			}
			nameServer(t, "127.0.0.2", "", dnsmessage.TypeA, dnsmessage.TypeAAAA)
			lookedUp := nameServer(t, "127.0.0.1", "CAS.AliyunCS.com.", test.dropped...)
			var host, serverName string
			config := certified(trusted, "cas.aliyuncs.com")
			config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
				serverName = hello.ServerName
				return nil, nil
			}
			listener, err := tls.Listen("tcp", "127.0.0.3:443", config)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = listener.Close() }()
			go func() {
				if conn, err := listener.Accept(); err == nil {
					request := make([]byte, 4096)
					n, _ := conn.Read(request)
					_, host, _ = strings.Cut(string(request[:n]), "\r\nHost: ")
					host, _, _ = strings.Cut(host, "\r\n")
					_, _ = io.WriteString(conn, ok+"Connection: close\r\n\r\n")
					_ = conn.Close()
				}
			}()
			if _, err := post(t, "https://CAS.AliyunCS.com"); err != nil {
				t.Error(err)
			}
			if want := []string{"CAS.AliyunCS.com."}; !slices.Equal(lookedUp(), want) {
				t.Errorf("got %v looked up, want %v", lookedUp(), want)
			}
			for _, got := range []string{host, serverName} {
				if want := "CAS.AliyunCS.com"; got != want {
					t.Errorf("got %q as the name of the host, want %q", got, want)
				}
			}
		})
	}
}

// Some middleboxes expect a ClientHello in one packet, and drop or reset a larger one, as
// post-quantum key shares make it.
func TestMiddleboxes(t *testing.T) {
	for name, reset := range map[string]bool{"drops": false, "resets": true} {
		for setting, passes := range map[string]bool{"": false, "tlsmlkem=0": true} {
			t.Run(name+" "+setting, func(t *testing.T) {
				t.Setenv("GODEBUG", setting)
				server := peer.Listen(t, secured(certified(trusted, "127.0.0.1"), peer.Says(ok+"Connection: close\r\n\r\n")))
				box := peer.Listen(t, func(conn net.Conn) {
					hello := make([]byte, 4096)
					n, err := conn.Read(hello)
					switch {
					case err != nil:
					case n <= 1460:
						passOn(t, conn, server, hello[:n])
					case reset:
						_ = conn.(*net.TCPConn).SetLinger(0) //nolint:forcetypeassert // as listen accepts it
					default:
						_, _ = io.Copy(io.Discard, conn)
					}
				})
				transport := NewTransport()
				defer transport.CloseIdleConnections()
				_, err := Send(transport, request(t, "https://"+box), map[bool]time.Duration{false: time.Second, true: time.Minute}[passes || reset])
				if passes {
					if err != nil {
						t.Error(err)
					}
					return
				}
				if e := failed(t, err); !e.InHandshake || !e.Temporary() {
					t.Errorf("got %#v, want one of the handshake that may pass", e)
				}
			})
		}
	}
}

// passOn carries a connection on to another address, after what has been read of it.
func passOn(t *testing.T, conn net.Conn, address string, begin []byte) {
	t.Helper()
	onward, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		return
	}
	defer func() { _ = onward.Close() }()
	_, _ = onward.Write(begin)
	go func() { _, _ = io.Copy(onward, conn) }()
	_, _ = io.Copy(conn, onward)
}
