package castest

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"encoding/json"
	"io"
	"maps"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Error is the service's response to a call that it refuses.
type Error struct {
	Status             int
	Code               string
	Message            string
	Recommend          string            // default: a link to the troubleshooter, as the service sends it
	AccessDeniedDetail map[string]string // says who was denied what by which policy
	LowerCase          bool              // keys start in lower case, as those of some gateways do
}

// ServeHTTP responds with the error.
func (e Error) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if call, ok := w.(*response); ok {
		call.note(func(c *Call) { c.Code = e.Code })
	}
	id := w.Header().Get("X-Acs-Request-Id")
	if e.Recommend == "" {
		e.Recommend = "https://api.aliyun.com/troubleshoot?q=" + e.Code + "&product=cas&requestId=" + id
	}
	fields := map[string]any{
		"Code": e.Code, "Message": e.Message, "RequestId": id, "HostId": r.Host, "Recommend": e.Recommend,
	}
	if e.AccessDeniedDetail != nil {
		fields["AccessDeniedDetail"] = e.AccessDeniedDetail
	}
	if e.LowerCase {
		lower := make(map[string]any, len(fields))
		for name, value := range fields {
			lower[strings.ToLower(name[:1])+name[1:]] = value
		}
		fields = lower
	}
	Body(e.Status, jsonType, string(encode(fields)))(w, r)
}

// Fault responds with an error of the service.
func Fault(status int, code, message string) http.HandlerFunc {
	return Error{Status: status, Code: code, Message: message}.ServeHTTP
}

// Throttle responds as the service does beyond the limit, with headers, given as name, value, name, value and so on,
// that say how long to wait.
func Throttle(header ...string) http.HandlerFunc {
	return Header(Fault(http.StatusBadRequest, "Throttling.User",
		"Request was denied due to user flow control."), header...)
}

// Denied responds as RAM does when no policy allows principal, a RAM user, the call.
func Denied(principal string) http.HandlerFunc {
	return Error{
		Status:  http.StatusForbidden,
		Code:    "Forbidden.RAM",
		Message: "User not authorized to operate on the specified resource, or this API doesn't support RAM.",
		AccessDeniedDetail: map[string]string{
			"AuthAction":               "yundun-cert:GetAssetCount",
			"AuthPrincipalType":        "SubUser",
			"AuthPrincipalOwnerId":     "1234567890123456",
			"AuthPrincipalDisplayName": principal,
			"NoPermissionType":         "ImplicitDeny",
			"PolicyType":               "AccountLevelIdentityBasedPolicy",
			"EncodedDiagnosticMessage": "AQEAAAAAZsT1i0M4QzRGRjk0",
		},
	}.ServeHTTP
}

const jsonType = "application/json;charset=utf-8"

// Respond responds with assets and, unless they have one, a RequestId.
func Respond(assets map[string]any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		fields := map[string]any{"RequestId": w.Header().Get("X-Acs-Request-Id")}
		maps.Copy(fields, assets)
		Body(http.StatusOK, jsonType, string(encode(fields)))(w, r)
	}
}

// Body responds with body as it is.
func Body(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// HTML responds with a page, as a proxy or gateway in between does.
func HTML(status int) http.HandlerFunc {
	title := strconv.Itoa(status) + " " + http.StatusText(status)
	return Body(status, "text/html; charset=utf-8",
		"<!DOCTYPE html>\n<html><head><title>"+title+"</title></head>\n<body><h1>"+title+"</h1></body></html>\n")
}

// Redirect answers that what was asked for is at another URL, for the same method and body.
func Redirect(to string) http.HandlerFunc {
	return Header(HTML(http.StatusTemporaryRedirect), "Location", to)
}

// Truncated begins a response and cuts the connection in the middle of it.
func Truncated() http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		body := encode(Assets())
		w.Header().Set("Content-Type", jsonType)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write(body[:len(body)/2])
		flush(w)
		panic(http.ErrAbortHandler)
	}
}

// Reset resets the connection (TCP RST) in place of a response.
func Reset() http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		raw := conn
		if secured, ok := conn.(*tls.Conn); ok {
			raw = secured.NetConn()
		}
		if tcp, ok := raw.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // makes the close a reset
		}
		_ = raw.Close()
	}
}

// Hang never answers: it ends when the client leaves or the server closes.
func Hang() http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	}
}

// Trickle sends a good response, one byte a second.
func Trickle() http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", jsonType)
		w.WriteHeader(http.StatusOK)
		for _, char := range encode(Assets()) {
			if _, err := w.Write([]byte{char}); err != nil {
				return
			}
			flush(w)
			pause(r.Context(), time.Second)
		}
	}
}

// Huge responds with a JSON object of about so many bytes, as fast as the client reads it.
func Huge(size int64) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", jsonType)
		w.WriteHeader(http.StatusOK)
		_, _ = io.WriteString(w, `{"Point":92,"Padding":"`)
		padding := bytes.Repeat([]byte("x"), 32<<10)
		for left := size; left > 0; left -= int64(len(padding)) {
			if _, err := w.Write(padding[:min(left, int64(len(padding)))]); err != nil {
				return
			}
		}
		_, _ = io.WriteString(w, `"}`)
	}
}

// Endless responds with a JSON object that never ends, as fast as the client reads it.
func Endless() http.HandlerFunc { return Huge(math.MaxInt64) }

// Delay lets d pass before step answers.
func Delay(d time.Duration, step http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		pause(r.Context(), d)
		step(w, r)
	}
}

// Header adds headers, given as name, value, name, value and so on, to what step answers.
func Header(step http.HandlerFunc, nameValues ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i+1 < len(nameValues); i += 2 {
			w.Header().Set(nameValues[i], nameValues[i+1])
		}
		step(w, r)
	}
}

// Gzip compresses what step answers if the client takes it so.
func Gzip(step http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			step(w, r)
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		compressor := gzip.NewWriter(w)
		defer func() { _ = compressor.Close() }()
		step(compressed{w, compressor}, r)
	}
}

type compressed struct {
	http.ResponseWriter
	io.Writer
}

func (c compressed) Write(p []byte) (int, error) { return c.Writer.Write(p) }

func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic("castest: encode response: " + err.Error())
	}
	return text
}

func flush(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }
