package castest

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// Error is the service's response to a call that it refuses.
type Error struct {
	Status             int
	Code               string
	Message            string
	AccessDeniedDetail map[string]string // the identity, the action and the policy of a denial
}

// ServeHTTP responds with the error.
func (e Error) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if call, ok := w.(*response); ok {
		call.note(func(c *Call) { c.Code = e.Code })
	}
	id := w.Header().Get("X-Acs-Request-Id")
	fields := map[string]any{
		"Code": e.Code, "Message": e.Message, "RequestId": id, "HostId": r.Host,
		"Recommend": "https://api.aliyun.com/troubleshoot?q=" + e.Code + "&product=cas&requestId=" + id,
	}
	if e.AccessDeniedDetail != nil {
		fields["AccessDeniedDetail"] = e.AccessDeniedDetail
	}
	Body(e.Status, jsonType, string(encode(fields)))(w, r)
}

// Fault responds with an error of the service.
func Fault(status int, code, message string) http.HandlerFunc {
	return Error{Status: status, Code: code, Message: message}.ServeHTTP
}

// Throttle responds as the service does beyond the limit, with headers, given as name, value, name,
// value and so on, that say how long to wait.
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
			"AuthAction": "yundun-cert:GetAssetCount", "NoPermissionType": "ImplicitDeny",
			"AuthPrincipalType": "SubUser", "AuthPrincipalDisplayName": principal,
			"AuthPrincipalOwnerId": "1234567890123456", "PolicyType": "AccountLevelIdentityBasedPolicy",
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

// HTML responds with a page, as a proxy or gateway on the path does.
func HTML(status int) http.HandlerFunc {
	title := strconv.Itoa(status) + " " + http.StatusText(status)
	return Body(status, "text/html; charset=utf-8",
		"<!DOCTYPE html>\n<html><head><title>"+title+"</title></head>\n<body><h1>"+title+"</h1></body></html>\n")
}

// Truncated begins a response and cuts the connection in the middle of it.
func Truncated() http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		Body(http.StatusOK, jsonType, `{"Point":`)(w, r)
		_ = http.NewResponseController(w).Flush()
		Abort()(w, r)
	}
}

// Abort closes the connection, in place of a response or in the middle of one.
func Abort() http.HandlerFunc {
	return func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
}

// Hang never responds: it ends when the client leaves or the server closes.
func Hang() http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	}
}

// Delay lets d pass before step responds. It ends if the client leaves meanwhile.
func Delay(d time.Duration, step http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(d):
			step(w, r)
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
}

// Header adds headers, given as name, value, name, value and so on, to what step responds.
func Header(step http.HandlerFunc, nameValues ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i+1 < len(nameValues); i += 2 {
			w.Header().Set(nameValues[i], nameValues[i+1])
		}
		step(w, r)
	}
}

func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic("castest: encode response: " + err.Error())
	}
	return text
}
