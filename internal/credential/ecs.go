package credential

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

const (
	metadataHost = "100.100.100.200"
	// metadataTimeout bounds each request to the metadata service, and one with its token twice as
	// long. It answers within milliseconds, and if there is none, its address usually answers
	// nothing at all.
	metadataTimeout = time.Second

	// hopLimit is why a container gets no token: the response that has it may not pass another
	// router.
	hopLimit = "A container on an instance gets no token where the instance's hop limit is 1: set HttpPutResponseHopLimit " +
		"to 2, or use the host's network"
)

// ECSRole is the RAM role of the instance, by name or, if Name is empty, the one that it has.
//
// https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata
type ECSRole struct{ Name string }

func (r ECSRole) String() string {
	if r.Name == "" {
		return "ECS metadata service"
	}
	return "ECS RAM role " + r.Name
}

// Site returns Site{}.
func (r ECSRole) Site() Site { return Site{} }

func (r ECSRole) fetch(ctx context.Context, e *env) (Credentials, error) {
	const off, onlyV2 = "ALIBABA_CLOUD_ECS_METADATA_DISABLED", "ALIBABA_CLOUD_IMDSV1_DISABLED"
	if strings.EqualFold(os.Getenv(off), "true") {
		return Credentials{}, &Error{Kind: NotFound, Err: errors.New("switched off by " + off)}
	}
	hardened := strings.EqualFold(os.Getenv(onlyV2), "true")
	var token string
	resp, tokenErr := e.metadata(ctx, http.MethodPut, "api/token", "")
	if tokenErr == nil {
		token = textOf(resp)
	} else if hardened {
		failure := asError(tokenErr)
		if failure.status == 0 || !failure.Temporary() { // else it is only busy
			const text = "%s is true, but it gave no token: %s. Enable IMDSv2 for the instance. %s"
			failure.Kind, failure.Err = NotFound, fmt.Errorf(text, onlyV2, failure.Err, hopLimit)
		}
		return Credentials{}, failure
	}
	resp, err := r.read(ctx, e, token)
	if failure := asError(err); err != nil && token != "" && !hardened && (failure.status != 0 || failure.Temporary()) {
		if without, err1 := r.read(ctx, e, ""); err1 == nil { // as for tools that know no token
			resp, err = without, nil
		}
	}
	if err != nil {
		return Credentials{}, aboutMetadata(r.Name, err, tokenErr != nil)
	}
	return parseIssued(resp, token)
}

// read requests the credentials, and the role's name first if it isn't known.
func (r ECSRole) read(ctx context.Context, e *env, token string) (*egress.Response, error) {
	const path = "meta-data/ram/security-credentials/"
	resp, err := e.metadata(ctx, http.MethodGet, path+r.Name, token)
	if r.Name == "" && err == nil {
		resp, err = e.metadata(ctx, http.MethodGet, path+textOf(resp), token)
	}
	return resp, err
}

func textOf(resp *egress.Response) string { return strings.TrimSpace(string(resp.Body)) }

// metadata sends a request to the metadata service.
func (e *env) metadata(ctx context.Context, method, path, token string) (*egress.Response, error) {
	req := newRequest(ctx, method, &url.URL{Scheme: "http", Host: metadataHost, Path: "/latest/" + path}, "")
	limit := metadataTimeout
	if method == http.MethodPut {
		req.Header.Set("X-Aliyun-Ecs-Metadata-Token-Ttl-Seconds", "21600")
	}
	if token != "" { // so the service is there
		limit *= 2
		req.Header.Set("X-Aliyun-Ecs-Metadata-Token", token)
	}
	return e.send(req, limit, token)
}

// aboutMetadata returns what a failure of the metadata service means. No response at all is final:
// there is no such service, and another request would only take as long again.
func aboutMetadata(role string, err error, noToken bool) error {
	e := asError(err)
	switch {
	case noToken && e.Temporary() && e.status == 0:
		e.Kind, e.Err = NotFound, errors.New(err.Error()+"; is this an ECS instance?")
	case noToken && (e.status == http.StatusUnauthorized || e.status == http.StatusForbidden):
		e.Kind, e.Err = Invalid, fmt.Errorf("it requires IMDSv2, and gave no token for it (HTTP %d). %s", e.status, hopLimit)
	case e.status == http.StatusNotFound:
		e.Kind, e.Err = NotFound, errors.New(strings.TrimSpace("the instance has no RAM role "+role))
	}
	return e
}
