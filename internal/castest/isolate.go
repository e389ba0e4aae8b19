package castest

import (
	"context"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// Isolate makes this process trust the fakes whose certificate is pem, as
// [Trust] does, and returns a transport that sends nothing beyond this machine.
// It is for the beginning of a process, which can do it once.
//
// What is meant for the ECS metadata service goes to metadata, a host and port,
// where that isn't empty. No name exists, except that a name server has trouble
// with those that end in .trouble.
//
// A process that this one starts does the same with [IsolateChild].
func Isolate(pem []byte, metadata string) *http.Transport {
	for _, variable := range ChildEnvironment(pem, metadata) {
		name, value, _ := strings.Cut(variable, "=")
		if err := os.Setenv(name, value); err != nil {
			panic("castest: " + err.Error())
		}
	}
	return isolate(pem, metadata)
}

// IsolateChild does what [Isolate] does, with what [ChildEnvironment] holds.
func IsolateChild() *http.Transport {
	return isolate([]byte(os.Getenv(childPEM)), os.Getenv(childMetadata))
}

// ChildEnvironment is for the environment of a process that calls
// [IsolateChild].
func ChildEnvironment(pem []byte, metadata string) []string {
	return []string{childPEM + "=" + string(pem), childMetadata + "=" + metadata}
}

const (
	childPEM      = "CASTEST_ROOT"
	childMetadata = "CASTEST_METADATA"
)

func isolate(pem []byte, metadata string) *http.Transport {
	Trust(pem)
	transport := egress.NewTransport()
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		host, _, _ := net.SplitHostPort(address)
		ip := net.ParseIP(host)
		switch {
		case address == "100.100.100.200:80" && metadata != "":
			return dial(ctx, network, metadata)
		case ip.IsLoopback(), host == "localhost":
			return dial(ctx, network, address)
		case ip != nil:
			return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ENETUNREACH}
		}
		trouble := strings.HasSuffix(host, ".trouble")
		failure := &net.DNSError{Err: "no such host", Name: host, IsNotFound: !trouble, IsTemporary: trouble}
		if trouble {
			failure.Err = "server misbehaving"
		}
		return nil, &net.OpError{Op: "dial", Net: network, Err: failure}
	}
	return transport
}
