package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/types/known/emptypb"
)

// start starts this provider, one that does nothing and a peer in turn, as Terraform does, until they have told their schema.
func start(t *testing.T) {
	const rounds = 41
	empty, cas := "empty provider", "this provider"
	names := []string{empty, cas, "hashicorp/time v0.14.2"}
	executables := map[string]string{
		names[0]: build(t, "./internal/bench/empty", "terraform-provider-empty"),
		names[1]: build(t, ".", "terraform-provider-cas"),
		names[2]: build(t, "github.com/hashicorp/terraform-provider-time@v0.14.2", "terraform-provider-time"),
	}
	certificate, err := clientCertificate()
	if err != nil {
		t.Fatal(err)
	}
	starts := map[string][]launch{}
	for range rounds {
		for _, name := range names {
			l, err := startUp(t.Context(), executables[name], certificate)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			starts[name] = append(starts[name], l)
		}
	}

	figures := newTable(fmt.Sprintf("From exec to the schema: medians of %d starts in turn", rounds),
		"provider", "handshake", "schema", "CPU", "peak memory, MiB", "binary, MiB")
	medians := map[string]launch{}
	for _, name := range names {
		m := middle(starts[name])
		info, err := os.Stat(executables[name])
		if err != nil {
			t.Fatal(err)
		}
		m.size = float64(info.Size())
		medians[name] = m
		figures.add(name, m.handshake, m.schema, m.cpu, m.memory/(1<<20), m.size/(1<<20))
	}
	figures.print()

	goals := newTargets()
	ours, theirs := medians[cas], medians[empty]
	most(goals, "handshake, of an empty provider's", ours.handshake.Seconds()/theirs.handshake.Seconds(), 1.05)
	most(goals, "schema, of an empty provider's", ours.schema.Seconds()/theirs.schema.Seconds(), 1.05)
	most(goals, "peak memory, of an empty provider's", ours.memory/theirs.memory, 1.05)
	most(goals, "binary, of an empty provider's", ours.size/theirs.size, 1.08)
	goals.print()
}

// launch is what it took to start a provider: time, and bytes of memory and of the executable.
type launch struct {
	handshake, schema, cpu time.Duration
	memory, size           float64
}

func middle(launches []launch) launch {
	return launch{
		handshake: median(launches, func(l launch) time.Duration { return l.handshake }),
		schema:    median(launches, func(l launch) time.Duration { return l.schema }),
		cpu:       median(launches, func(l launch) time.Duration { return l.cpu }),
		memory:    median(launches, func(l launch) float64 { return l.memory }),
	}
}

func median[E any, T time.Duration | float64](all []E, of func(E) T) T {
	values := make([]T, len(all))
	for i, e := range all {
		values[i] = of(e)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// startUp starts a provider as Terraform does and asks for its schema, in the protocols of hashicorp/go-plugin and of
// Terraform's plugins.
func startUp(ctx context.Context, executable string, client tls.Certificate) (l launch, err error) {
	cmd := exec.CommandContext(ctx, executable)
	cmd.Env = append(os.Environ(), "PLUGIN_PROTOCOL_VERSIONS=5,6",
		"TF_PLUGIN_MAGIC_COOKIE=d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
		"PLUGIN_CLIENT_CERT="+string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: client.Certificate[0]})))
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return l, err
	}
	started := time.Now()
	if err := cmd.Start(); err != nil {
		return l, err
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		l.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}()
	handshake, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return l, err
	}
	l.handshake = time.Since(started)
	if err := schema(ctx, handshake, client); err != nil {
		return l, err
	}
	l.schema = time.Since(started)
	l.memory = peakMemory(cmd.Process.Pid)
	return l, nil
}

// schema asks for the schema and throws it away. The handshake is core version, protocol version, network, address,
// "grpc" and the server's certificate, with a | in between.
func schema(ctx context.Context, handshake string, client tls.Certificate) error {
	fields := strings.Split(strings.TrimSpace(handshake), "|")
	if len(fields) < 6 {
		return errors.New("handshake: " + handshake)
	}
	der, err := base64.RawStdEncoding.DecodeString(fields[5])
	if err != nil {
		return err
	}
	server, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AddCert(server)
	conn, err := grpc.NewClient("passthrough:"+fields[2]+":"+fields[3], grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{
		Certificates: []tls.Certificate{client}, RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS12,
	})))
	if err != nil {
		return err
	}
	defer conn.Close()
	method := map[string]string{"5": "/tfplugin5.Provider/GetSchema", "6": "/tfplugin6.Provider/GetProviderSchema"}[fields[1]]
	return conn.Invoke(ctx, method, &emptypb.Empty{}, &emptypb.Empty{})
}

func clientCertificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		NotAfter:              time.Now().Add(time.Hour),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// peakMemory is how much memory a process had at most, in bytes: zero on systems that aren't Linux. The usage that a
// parent gets when it waits won't do: it includes the parent's own memory at the time of the fork.
func peakMemory(pid int) float64 {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, peak, _ := strings.Cut(string(status), "VmHWM:")
	kibibytes, _, _ := strings.Cut(strings.TrimSpace(peak), " ")
	n, _ := strconv.ParseFloat(kibibytes, 64)
	return n * 1024
}
