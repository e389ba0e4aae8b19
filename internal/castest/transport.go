package castest

import (
	"cmp"
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
)

// Transport returns a [http.RoundTripper] that calls the server without a network, for [testing/synctest]: time doesn't
// pass there while a goroutine waits for a socket.
func (s *Server) Transport() http.RoundTripper { return transport{s} }

type transport struct{ server *Server }

// RoundTrip returns when the server has begun to answer, as over a network.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	received, sent := io.Pipe()
	context.AfterFunc(ctx, func() { _ = sent.CloseWithError(context.Cause(ctx)) })
	w := &memoryResponse{header: make(http.Header), body: sent, begun: make(chan struct{})}
	go w.serve(t.server, served(r.WithContext(ctx)))

	select {
	case <-ctx.Done():
	case <-w.begun:
	}
	if err := context.Cause(ctx); err != nil {
		cancel()
		return nil, err
	}
	if w.status == 0 {
		cancel()
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	}
	return &http.Response{
		Status:     strconv.Itoa(w.status) + " " + http.StatusText(w.status),
		StatusCode: w.status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        w.sent,
		ContentLength: -1,
		Body:          &memoryBody{received, cancel},
		Request:       r,
	}, nil
}

// served turns the client's view of a request into the server's.
func served(r *http.Request) *http.Request {
	r = r.Clone(r.Context())
	if r.Host == "" {
		r.Host = r.URL.Host
	}
	if r.URL.Path == "" {
		r.URL.Path = "/"
	}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	r.RequestURI = r.URL.RequestURI()
	return r
}

type memoryResponse struct {
	header http.Header
	body   *io.PipeWriter

	begin  sync.Once
	begun  chan struct{}
	status int // 0 if the handler gave up before it began
	sent   http.Header
}

func (w *memoryResponse) serve(h http.Handler, r *http.Request) {
	ctx := r.Context()
	defer func() {
		end := context.Cause(ctx) // what a client that left sees, whatever the handler did
		switch reason := recover(); reason {
		case nil:
			w.WriteHeader(http.StatusOK)
		case http.ErrAbortHandler:
			w.begin.Do(func() { close(w.begun) })
			end = cmp.Or(end, io.ErrUnexpectedEOF)
		default:
			panic(reason)
		}
		_ = w.body.CloseWithError(end)
	}()
	h.ServeHTTP(w, r)
}

func (w *memoryResponse) Header() http.Header { return w.header }

func (w *memoryResponse) WriteHeader(status int) {
	w.begin.Do(func() {
		w.status, w.sent = status, w.header.Clone()
		close(w.begun)
	})
}

func (w *memoryResponse) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

// memoryBody tells the server when the client leaves.
type memoryBody struct {
	*io.PipeReader
	cancel context.CancelFunc
}

func (b *memoryBody) Close() error {
	b.cancel()
	return b.PipeReader.Close()
}
