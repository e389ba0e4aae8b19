package egress

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"
)

// Refusal is an answer of another HTTP status than 200 to a request that came over [Bridge].
type Refusal struct{ *Answer }

func (e *Refusal) Error() string { return fmt.Sprintf("HTTP %d", e.Status) }

// Bridge returns a transport for code that takes no other one, and changes it: credentials-go replaces the dialer of its copy
// of [http.DefaultTransport], follows redirects, and reads answers of any size. Each connection that it opens is a pipe, at
// whose other end this package sends the request itself, with transport and within limit.
//
// An answer other than 200 is an error, a [*Refusal], and so is an [*Error], for code that loses what else it is told.
func Bridge(transport http.RoundTripper, limit time.Duration) *http.Transport {
	return &http.Transport{
		// Only TLS connections are left to the dialer below, so anything else is sent as if there were a proxy that speaks TLS.
		Proxy: func(req *http.Request) (*url.URL, error) {
			if req.URL.Scheme != "https" {
				return &url.URL{Scheme: "https", Host: "egress"}, nil
			}
			return nil, nil
		},
		DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			near, far := net.Pipe()
			b := &bridge{Conn: near}
			go b.serve(context.WithoutCancel(ctx), far, transport, limit)
			return b, nil
		},
		DisableKeepAlives:  true,
		DisableCompression: true,
	}
}

// bridge is the near end of a pipe. When it ends without an answer, reading it fails with why.
type bridge struct {
	net.Conn
	failure atomic.Pointer[error]
}

func (b *bridge) Read(p []byte) (int, error) {
	n, err := b.Conn.Read(p)
	if failure := b.failure.Load(); failure != nil && errors.Is(err, io.EOF) {
		err = *failure
	}
	return n, err
}

func (b *bridge) serve(ctx context.Context, far net.Conn, transport http.RoundTripper, limit time.Duration) {
	defer func() { _ = far.Close() }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	req, err := http.ReadRequest(bufio.NewReader(far))
	if err != nil {
		return // nobody is at the near end any more
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	go func() {
		_, _ = far.Read(make([]byte, 1)) // ends when the near end is closed
		cancel()
	}()
	if req.URL.Host == "" {
		req.URL.Scheme, req.URL.Host = "https", req.Host
	}
	req.RequestURI, req.Close = "", true
	req.Body, req.ContentLength = http.NoBody, int64(len(body))
	if len(body) > 0 {
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	answer, err := Send(transport, req.WithContext(ctx), limit)
	if err == nil && answer.Status != http.StatusOK {
		err = &Refusal{answer}
	}
	if err != nil {
		b.failure.Store(&err)
		return
	}
	_ = (&http.Response{
		StatusCode: answer.Status, ProtoMajor: 1, ProtoMinor: 1, Header: answer.Header,
		Body: io.NopCloser(bytes.NewReader(answer.Body)), ContentLength: int64(len(answer.Body)), Request: req,
	}).Write(far)
}
