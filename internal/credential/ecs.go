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

// metadataTimeout bounds each request to the metadata service, and one with its token twice as
// long. The service responds within milliseconds; on other machines, usually nothing responds.
const metadataTimeout = time.Second

// hopLimit is why a container gets no token: the response may not pass another router.
const hopLimit = "A container on an instance gets no token where the instance's hop limit is 1: set " +
	"HttpPutResponseHopLimit to 2, or use the host's network"

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

func (r ECSRole) fetch(ctx context.Context, e *env) (c Credentials, err error) {
	const off, onlyV2 = "ALIBABA_CLOUD_ECS_METADATA_DISABLED", "ALIBABA_CLOUD_IMDSV1_DISABLED"
	if strings.EqualFold(os.Getenv(off), "true") {
		return c, newError(NotFound, errors.New("switched off by "+off))
	}
	hardened := strings.EqualFold(os.Getenv(onlyV2), "true")
	resp, err := e.metadata(ctx, http.MethodPut, "api/token", "")
	token, noToken := textOf(resp), err != nil
	if noToken && hardened {
		failure := asError(err)
		if failure.Status == 0 || !failure.Temporary() { // otherwise it is only busy
			const text = "%s is true, but it gave no token: %s. Enable IMDSv2 for the instance. %s"
			failure.Kind, failure.Err = NotFound, fmt.Errorf(text, onlyV2, failure.Err, hopLimit)
		}
		return c, failure
	}
	if resp, err = r.read(ctx, e, token); err == nil {
		return parseIssued(resp, token)
	}
	failure := asError(err)
	if token != "" && !hardened && (failure.Status != 0 || failure.Temporary()) {
		if resp, err = r.read(ctx, e, ""); err == nil { // as tools without a token do
			return parseIssued(resp, token)
		}
	}
	switch {
	case noToken && failure.Temporary() && failure.Status == 0: // final: another try would only take as long again
		failure.Kind, failure.Err = NotFound, errors.New(failure.Err.Error()+"; is this an ECS instance?")
	case noToken && (failure.Status == http.StatusUnauthorized || failure.Status == http.StatusForbidden):
		const text = "it requires IMDSv2, and gave no token for it (HTTP %d). %s"
		failure.Kind, failure.Err = Invalid, fmt.Errorf(text, failure.Status, hopLimit)
	case failure.Status == http.StatusNotFound:
		failure.Kind, failure.Err = NotFound, errors.New(strings.TrimSpace("the instance has no RAM role "+r.Name))
	}
	return c, failure
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

func textOf(resp *egress.Response) string {
	if resp == nil {
		return ""
	}
	return strings.TrimSpace(string(resp.Body))
}

// metadata sends a request to the metadata service.
func (e *env) metadata(ctx context.Context, method, path, token string) (*egress.Response, error) {
	req := newRequest(ctx, method, &url.URL{Scheme: "http", Host: "100.100.100.200", Path: "/latest/" + path}, "")
	limit := metadataTimeout
	if method == http.MethodPut {
		req.Header.Set("X-Aliyun-Ecs-Metadata-Token-Ttl-Seconds", "21600")
	}
	if token != "" { // so there is a metadata service
		limit *= 2
		req.Header.Set("X-Aliyun-Ecs-Metadata-Token", token)
	}
	return e.send(req, limit, token)
}
