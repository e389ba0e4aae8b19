package credential

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"gopkg.in/ini.v1"
)

// iniFile is a section of the file that the older tools share: the one that cfg.Profile names, else [default]. The library
// would quote the file where it is malformed.
func iniFile(cfg Config) fetcher {
	path := cmp.Or(cfg.SharedCredentialsFile, cfg.INIFile, "~/.alibabacloud/credentials")
	title := "file " + path
	if cfg.Profile != "" {
		title = "section [" + cfg.Profile + "] of " + title
	}
	return fetcher{source: title, fetch: func(ctx context.Context) (Credentials, error) {
		content, err := readFile(path)
		if err != nil {
			return Credentials{}, fileError(err, cfg.SharedCredentialsFile+cfg.INIFile == "")
		}
		f, err := parseINI(content, cfg)
		if err != nil {
			return Credentials{}, invalid(err)
		}
		c, err := f.fetch(ctx)
		c.source = title
		return c, err
	}}
}

// parseINI never quotes content, nor what the parser says about it: it holds secrets.
func parseINI(content []byte, cfg Config) (fetcher, error) {
	file, err := ini.Load(content)
	if err != nil {
		return fetcher{}, errors.New("it is neither a JSON object nor an INI file (why is left out, as that would quote it)")
	}
	name := cmp.Or(cfg.Profile, "default")
	section, err := file.GetSection(name)
	if err != nil {
		return fetcher{}, unused(fmt.Errorf("it has no section [%s]", name))
	}
	value := func(name string) string { return section.Key(name).String() }
	id, secret, token := value("access_key_id"), value("access_key_secret"), value("security_token")
	kind := value("type")
	if cfg.Profile == "" && (kind == "" || kind == "access_key" || kind == "sts") && id+secret+token == "" {
		return fetcher{}, unused(errors.New("its section [default] has no access key"))
	}
	switch kind {
	case "access_key":
		return accessKey(id, secret, "")
	case "sts":
		if token == "" {
			return fetcher{}, errors.New("security_token is empty")
		}
		return accessKey(id, secret, token)
	case "ecs_ram_role":
		return ecsRole(value("role_name")), nil
	case "ram_role_arn":
		base, err := accessKey(id, secret, token)
		if err != nil {
			return fetcher{}, err
		}
		role := AssumeRole{RoleARN: value("role_arn"), SessionName: value("role_session_name"), Policy: value("policy")}
		host := func() (string, error) { return cfg.stsHost(profile{}) }
		return assumeRole(base, role, host), checkRole(role.RoleARN, role.Expiration)
	default:
		return fetcher{}, fmt.Errorf("the type in its section [%s] is %q, not access_key, sts, ram_role_arn or ecs_ram_role",
			name, typeName(kind))
	}
}
