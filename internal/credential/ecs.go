package credential

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/aliyun/credentials-go/credentials/providers"
)

func ecsRole(role string) fetcher {
	name := "ECS metadata service"
	if role != "" {
		name = "ECS RAM role " + role
	}
	return fetcher{source: name, fetch: func(ctx context.Context) (Credentials, error) {
		p, err := providers.NewECSRAMRoleCredentialsProviderBuilder().WithRoleName(role).Build()
		if err != nil { // only ALIBABA_CLOUD_ECS_METADATA_DISABLED does that
			return Credentials{}, &Error{Kind: NotFound, Err: errors.New("switched off by ALIBABA_CLOUD_ECS_METADATA_DISABLED")}
		}
		c, err := ask(ctx, p, newScrubber())
		return c, aboutMetadata(role, err)
	}}
}

// aboutMetadata says what an error of the metadata service means. No answer at all is final: it means that there is no
// such service, which takes seconds to find out, and trying again would only take as long again.
func aboutMetadata(role string, err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return err
	}
	text := e.Err.Error()
	switch status := status(text); {
	case status == http.StatusNotFound:
		e.Kind, e.Err = NotFound, errors.New("the instance has no RAM role "+role)
		if role == "" {
			e.Err = errors.New("the instance has no RAM role")
		}
	case status >= 500, status == http.StatusTooManyRequests:
		e.Kind = Unavailable
	case strings.Contains(text, `"http://100.100.100.200`) && !strings.Contains(text, malformedAnswer): // a transport's error
		e.Kind, e.Err = NotFound, fmt.Errorf("%w; is this an ECS instance?", e.Err)
	}
	return e
}

// status is the HTTP status in an error text of the library, where it has no other trace of it, or 0.
func status(text string) int {
	if _, after, ok := strings.Cut(text, "httpStatus: "); ok {
		text, _, _ = strings.Cut(after, ",")
	}
	status, _ := strconv.Atoi(text[strings.LastIndexByte(text, ' ')+1:])
	return status
}

// metadata is the instance's role, where this is an instance and has one.
func metadata() fetcher {
	o := ecsRole("")
	fetch := o.fetch
	o.fetch = func(ctx context.Context) (Credentials, error) {
		c, err := fetch(ctx)
		if e, ok := errors.AsType[*Error](err); ok {
			e.unused = e.Kind == NotFound
		}
		return c, err
	}
	return o
}
