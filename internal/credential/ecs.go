package credential

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

const (
	// metadataURL is asked here, because the library loses why the metadata service wasn't reached and what it answered.
	metadataURL = "http://100.100.100.200/latest/"
	// metadataTimeout bounds each request to the metadata service. It answers within milliseconds, and where there is none,
	// its address usually answers nothing at all.
	metadataTimeout = time.Second
)

// ecsRole is the RAM role of the instance, by name or, where role is empty, the one that it has.
//
// https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata
func ecsRole(role string) fetcher {
	name := "ECS metadata service"
	if role != "" {
		name = "ECS RAM role " + role
	}
	return fetcher{source: name, fetch: func(ctx context.Context) (Credentials, error) {
		const off = "ALIBABA_CLOUD_ECS_METADATA_DISABLED"
		if strings.EqualFold(os.Getenv(off), "true") {
			return Credentials{}, &Error{Kind: NotFound, Err: errors.New("switched off by " + off)}
		}
		role := cmp.Or(role, os.Getenv("ALIBABA_CLOUD_ECS_METADATA"))
		token, noToken := metadata(ctx, http.MethodPut, "api/token", "")
		if noToken != nil && strings.EqualFold(os.Getenv(imdsV1Off), "true") {
			return Credentials{}, aboutMetadata(role, noToken, noToken)
		}
		const roles = "meta-data/ram/security-credentials/"
		if role == "" {
			var err error
			if role, err = metadata(ctx, http.MethodGet, roles, token); err != nil {
				return Credentials{}, aboutMetadata("", noToken, err)
			}
		}
		answer, err := metadata(ctx, http.MethodGet, roles+role, token)
		if err != nil {
			return Credentials{}, aboutMetadata(role, noToken, err)
		}
		return parseIssued([]byte(answer))
	}}
}

// imdsV1Off is the variable that forbids to do without the token of IMDSv2.
const imdsV1Off = "ALIBABA_CLOUD_IMDSV1_DISABLED"

// metadata asks the metadata service.
func metadata(ctx context.Context, method, path, token string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, metadataURL+path, http.NoBody) //nolint:gosec // the host is fixed
	if err != nil {
		return "", errors.New("the role's name can't be part of an address")
	}
	limit := metadataTimeout
	if method == http.MethodPut {
		req.Header.Set("X-Aliyun-Ecs-Metadata-Token-Ttl-Seconds", "21600")
	}
	if token != "" { // so the service is there, and may take its time
		limit = requestTimeout
		req.Header.Set("X-Aliyun-Ecs-Metadata-Token", token)
	}
	answer, err := send(req, limit, token)
	return strings.TrimSpace(string(answer)), err
}

// aboutMetadata returns what a failure of the metadata service means, where noToken is why there is no token of IMDSv2. No
// answer at all is final: there is no such service, and asking again would only take as long again.
func aboutMetadata(role string, noToken, err error) error {
	if unanswered, ok := errors.AsType[*egress.Error](err); ok && unanswered.Temporary() {
		text := unanswered.Error() + "; is this an ECS instance?"
		if noToken == err { //nolint:errorlint // the same error
			text += " " + hopLimit
		}
		return &Error{Kind: NotFound, Err: errors.New(text)}
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return err
	}
	switch {
	case noToken != nil && (e.status == http.StatusUnauthorized || e.status == http.StatusForbidden):
		e.Kind, e.Err = Invalid, fmt.Errorf("it requires IMDSv2, and gave no token for it (HTTP %d). %s", e.status, hopLimit)
	case noToken == err && e.status == http.StatusNotFound: //nolint:errorlint // the same error
		e.Kind, e.Err = Invalid, errors.New("it has no IMDSv2 (HTTP 404), and "+imdsV1Off+" switches IMDSv1 off: "+
			"enable IMDSv2 for the instance, or unset the variable")
	case e.status == http.StatusNotFound:
		e.Kind, e.Err = NotFound, errors.New(strings.TrimSpace("the instance has no RAM role "+role))
	}
	return e
}

// hopLimit is why a container gets no token: the answer that has it may not pass another router.
const hopLimit = "A container on an instance gets no token where the instance's hop limit is 1: set HttpPutResponseHopLimit " +
	"to 2, or use the host's network"

// chainMetadata is the instance's role, where this is an instance and has one.
func chainMetadata() fetcher {
	role := ecsRole("")
	return fetcher{source: role.source, fetch: func(ctx context.Context) (Credentials, error) {
		c, err := role.fetch(ctx)
		if e, ok := errors.AsType[*Error](err); ok {
			e.unused = e.Kind == NotFound
		}
		return c, err
	}}
}
