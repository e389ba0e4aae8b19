// Package castest stands in for Certificate Management Service in tests, the demo and the
// benchmarks: a server that responds to GetAssetCount and is at least as strict as the service.
//
// It refuses, with the service's own codes and statuses, what the service refuses: a method other
// than POST and GET, a path other than /, another action or version, a date that is malformed or
// more than 15 minutes off, a key that isn't known, a security token that is missing, not the key's
// or expired, a signature that isn't over every header of the protocol or doesn't match, a body
// other than the one hashed, a nonce seen before, and every call beyond the limit in any window of
// one second.
//
// Signatures are computed with the vendor's own code, never with that of this module, so that a
// mistake in one can't hide in the other.
package castest

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"time"
)

// Options are the ways in which a server differs from the default one.
type Options struct {
	TLS            bool          // serve https with the certificate of [CertPEM]
	Keys           []Key         // default: DefaultKey alone
	CallsPerSecond int           // accepted in any window of one second, over all keys; default: 10
	Latency        time.Duration // added before every response
	OnResponse     func(Call)    // is called after each call
}

// Call is one request as the server saw it.
type Call struct {
	Arrived     time.Time
	AccessKeyID string
	Header      http.Header
	Status      int    // 0 until it has a response
	Code        string // error code of the response, if any
}

// Server is a fake of the service. Its methods may be called at any time and by any number of
// goroutines.
type Server struct {
	options Options
	http    *httptest.Server

	*keyring
	admitted []time.Time
	always   http.HandlerFunc
	steps    []http.HandlerFunc
	calls    []*Call
	refused  int
}

// New returns a server that doesn't listen. Drive it as an [http.Handler], or through
// [Server.Transport].
func New(o Options) *Server {
	if o.Keys == nil {
		o.Keys = []Key{DefaultKey}
	}
	o.CallsPerSecond = cmp.Or(o.CallsPerSecond, 10)
	return &Server{
		options: o,
		keyring: newKeyring(o.Keys...),
		always:  Respond(Assets()),
	}
}

// Start returns a server that listens on a free port of 127.0.0.1. It panics if it can't.
func Start(o Options) *Server {
	s := New(o)
	s.http = listen(s, o.TLS)
	return s
}

func listen(handler http.Handler, secure bool) *httptest.Server {
	s := httptest.NewUnstartedServer(handler)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	if secure {
		s.TLS = serverTLS()
		s.StartTLS()
	} else {
		s.Start()
	}
	return s
}

// Transport returns a transport whose connections to the server are in memory, for
// [testing/synctest]: time doesn't pass there while a goroutine waits for a socket. Each request
// has a connection of its own, without TLS.
func (s *Server) Transport() *http.Transport {
	dial := func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() { _ = (&http.Server{Handler: s, ReadHeaderTimeout: maxSkew}).Serve(&single{theirs}) }()
		return ours, nil
	}
	return &http.Transport{DialContext: dial, DialTLSContext: dial, DisableKeepAlives: true}
}

// single is a listener of one connection.
type single struct{ net.Conn }

func (l *single) Accept() (net.Conn, error) {
	conn := l.Conn
	if conn == nil {
		return nil, io.EOF
	}
	l.Conn = nil
	return conn, nil
}

func (*single) Close() error   { return nil }
func (*single) Addr() net.Addr { return &net.TCPAddr{} }

// URL returns where a server of [Start] listens, without a trailing slash.
func (s *Server) URL() string { return s.http.URL }

// Close cuts every connection, which ends the steps that hang, and waits until nothing of the
// server runs any more.
func (s *Server) Close() { stop(s.http) }

func stop(s *httptest.Server) {
	_ = s.Listener.Close() // before the connections, so that none is added
	s.CloseClientConnections()
	s.Close()
}

// Assets returns the elements that a server responds with by default. Each has a value of its own,
// and so has each sum of them that the provider shows.
func Assets() map[string]any {
	return map[string]any{
		"Point": 92, "LastPoint": 88, "PointRatio": 1, "PointTime": int64(1767681210879),
		"BuyCertificateCount": 2, "FreeCertificateCount": 3, "UploadCertificateCount": 5,
		"AliyunAssetCount": 7, "TencentAssetCount": 11, "HuaweiAssetCount": 13, "AwsAssetCount": 17,
		"DomainAssetCount": 19,
	}
}

// Respond sets the elements to respond with from now on. A new RequestId is added to them, unless
// they have one. A nil value is a JSON null.
func (s *Server) Respond(assets map[string]any) { s.Always(Respond(maps.Clone(assets))) }

// Always sets the step for every accepted call from now on, once the steps of [Server.Script] are
// used up.
func (s *Server) Always(step http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.always = step
}

// Script adds steps, each of which replaces the response to one accepted call: one that is signed
// right and within the limit.
func (s *Server) Script(steps ...http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.steps = append(s.steps, steps...)
}

// Calls returns every call so far, in order of arrival, the refused ones too.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := make([]Call, len(s.calls))
	for i, call := range s.calls {
		calls[i] = *call
	}
	return calls
}

// MaxInAnySecond returns the largest number of calls, refused ones too, that arrived within a
// second.
func (s *Server) MaxInAnySecond() int {
	var arrivals []time.Time
	for _, call := range s.Calls() {
		arrivals = append(arrivals, call.Arrived)
	}
	return MaxWithin(time.Second, arrivals)
}

// MaxWithin returns the largest number of arrivals in any window of d, both of whose ends belong to
// it.
func MaxWithin(d time.Duration, arrivals []time.Time) int {
	arrivals = slices.SortedFunc(slices.Values(arrivals), time.Time.Compare)
	maximum, first := 0, 0
	for last, t := range arrivals {
		for t.Sub(arrivals[first]) > d {
			first++
		}
		maximum = max(maximum, last-first+1)
	}
	return maximum
}

// Throttled returns how many calls were refused for exceeding the limit. Scripted throttling isn't
// counted.
func (s *Server) Throttled() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.calls) - len(s.admitted) - s.refused
}

// Refused returns how many calls were refused for any reason but the limit. Scripted faults aren't
// counted.
func (s *Server) Refused() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused
}

// ServeHTTP responds to one call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// The body is read whole and at once, because only then net/http notices that a client leaves.
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	step, call := s.arrive(r, body)
	w.Header().Set("X-Acs-Request-Id", newRequestID())
	if s.options.OnResponse != nil {
		defer func() { s.options.OnResponse(*call) }() // nothing notes anything in it any more
	}
	Delay(s.options.Latency, step)(&response{ResponseWriter: w, server: s, call: call}, r)
}

// arrive records the call and decides what responds to it.
func (s *Server) arrive(r *http.Request, body []byte) (http.HandlerFunc, *Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	call := &Call{
		Arrived:     now,
		AccessKeyID: accessKeyID(r),
		Header:      r.Header,
	}
	s.calls = append(s.calls, call)
	if err := s.verify(r, body); err != nil {
		s.refused++
		return err.ServeHTTP, call
	}
	limit := s.options.CallsPerSecond
	if n := len(s.admitted) - limit; n >= 0 && now.Sub(s.admitted[n]) < time.Second {
		return Throttle(), call
	}
	s.admitted = append(s.admitted, now)
	if len(s.steps) == 0 {
		return s.always, call
	}
	step := s.steps[0]
	s.steps = s.steps[1:]
	return step, call
}

// response notes the response in the call, before the client sees it.
type response struct {
	http.ResponseWriter
	server *Server
	call   *Call
}

func (r *response) note(set func(*Call)) {
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	set(r.call)
}

func (r *response) WriteHeader(status int) {
	r.note(func(c *Call) { c.Status = status })
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController flush and hijack.
func (r *response) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// newRequestID returns a random UUID in capitals, as the service's are.
func newRequestID() string {
	var id [16]byte
	_, _ = rand.Read(id[:])
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return fmt.Sprintf("%X-%X-%X-%X-%X", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
