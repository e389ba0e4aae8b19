package credential

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"gopkg.in/ini.v1"
)

// defaultChain asks the places where every Alibaba Cloud tool looks, in order. Those that the environment names are in a
// [Config] already where they are set: the chain only says that they are not.
//
// A source that is set up but broken is an answer, and so is one that had credentials once: going on with the next one
// would go on as someone else.
func defaultChain(cfg Config) origin {
	var found *origin // Source fetches one at a time
	links := []origin{
		notSet("environment", "ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
		notSet("OIDC environment", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN, ALIBABA_CLOUD_ROLE_ARN, ALIBABA_CLOUD_OIDC_TOKEN_FILE"),
		chainProfile(cfg),
		iniFile(cfg),
		metadata(),
		notSet("credentials URI", "ALIBABA_CLOUD_CREDENTIALS_URI"),
	}
	return origin{name: "the default chain", fetch: func(ctx context.Context) (Credentials, error) {
		if found != nil {
			return found.get(ctx)
		}
		nothing := &Error{Kind: NotFound, Err: errors.New("none of its sources had any")}
		for _, link := range links {
			c, err := link.get(ctx)
			if err == nil {
				found = &link
				return c, nil
			}
			e := explain(err, newScrubber())
			if !e.unused {
				return Credentials{}, e
			}
			cfg.Logger.DebugContext(ctx, "No credentials here", "source", e.Source, "error", e.Err)
			nothing.Tried = append(nothing.Tried, e)
		}
		return Credentials{}, nothing
	}}
}

func notSet(name, variables string) origin {
	return origin{name: name, fetch: func(context.Context) (Credentials, error) {
		return Credentials{}, unused(errors.New(variables + " not set"))
	}}
}

func chainProfile(cfg Config) origin {
	const off = "ALIBABA_CLOUD_CLI_PROFILE_DISABLED"
	o := cliProfile("", "", cfg)
	if strings.EqualFold(os.Getenv(off), "true") {
		o.fetch = func(context.Context) (Credentials, error) {
			return Credentials{}, unused(errors.New("switched off by " + off))
		}
	}
	return o
}

// metadata is the instance's role, where this is an instance and has one.
func metadata() origin {
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

// iniFile is the default section of the file that the older tools share. The library would quote it where it is malformed.
func iniFile(cfg Config) origin {
	path := os.Getenv("ALIBABA_CLOUD_CREDENTIALS_FILE")
	if path == "" {
		path = "~/.alibabacloud/credentials"
	}
	return origin{name: "file " + path, fetch: func(ctx context.Context) (Credentials, error) {
		content, err := readFile(path)
		if err != nil {
			kind := fileKind(err)
			return Credentials{}, &Error{Kind: kind, Err: err, unused: kind == NotFound}
		}
		o, err := parseINI(content, cfg)
		if err != nil {
			return Credentials{}, &Error{Kind: Invalid, Err: err}
		}
		c, err := o.fetch(ctx)
		c.origin = "file " + path
		return c, err
	}}
}

// parseINI never quotes content, nor what the parser says about it: it holds secrets.
func parseINI(content []byte, cfg Config) (origin, error) {
	file, err := ini.Load(content)
	if err != nil {
		return origin{}, errors.New("it isn't an INI file (why is left out, as that would quote it)")
	}
	section, err := file.GetSection("default")
	if err != nil {
		return origin{}, errors.New("it has no section [default]")
	}
	value := func(name string) string { return section.Key(name).String() }
	switch kind := value("type"); kind {
	case "access_key":
		return accessKey(value("access_key_id"), value("access_key_secret"), "")
	case "ecs_ram_role":
		return ecsRole(value("role_name")), nil
	case "ram_role_arn":
		base, err := accessKey(value("access_key_id"), value("access_key_secret"), "")
		if err != nil {
			return origin{}, err
		}
		role := AssumeRole{RoleARN: value("role_arn"), SessionName: value("role_session_name"), Policy: value("policy")}
		if err := checkRole(role.RoleARN, role.Expiration); err != nil {
			return origin{}, err
		}
		return assumeRole(base, role, sts{endpoint: cfg.STSEndpoint}), nil
	default:
		return origin{}, fmt.Errorf("the type in its section [default] is %q, not access_key, ram_role_arn or ecs_ram_role", Shorten(kind))
	}
}
