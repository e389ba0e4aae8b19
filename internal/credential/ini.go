package credential

import (
	"context"
	"errors"
	"fmt"
	"os"

	"gopkg.in/ini.v1"
)

// iniFile is the default section of the file that the older tools share. The library would quote it where it is malformed.
func iniFile(cfg Config) fetcher {
	path := os.Getenv("ALIBABA_CLOUD_CREDENTIALS_FILE")
	if path == "" {
		path = "~/.alibabacloud/credentials"
	}
	return fetcher{source: "file " + path, fetch: func(ctx context.Context) (Credentials, error) {
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
		c.source = "file " + path
		return c, err
	}}
}

// parseINI never quotes content, nor what the parser says about it: it holds secrets.
func parseINI(content []byte, cfg Config) (fetcher, error) {
	file, err := ini.Load(content)
	if err != nil {
		return fetcher{}, errors.New("it isn't an INI file (why is left out, as that would quote it)")
	}
	section, err := file.GetSection("default")
	if err != nil {
		return fetcher{}, errors.New("it has no section [default]")
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
			return fetcher{}, err
		}
		role := AssumeRole{RoleARN: value("role_arn"), SessionName: value("role_session_name"), Policy: value("policy")}
		if err := checkRole(role.RoleARN, role.Expiration); err != nil {
			return fetcher{}, err
		}
		return assumeRole(base, role, sts{endpoint: cfg.STSEndpoint}), nil
	default:
		return fetcher{}, fmt.Errorf("the type in its section [default] is %q, not access_key, ram_role_arn or ecs_ram_role", Shorten(kind))
	}
}
