package credential

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"

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
			return Credentials{}, err
		}
		c, err := f.fetch(ctx)
		c.source = title
		return c, err
	}}
}

// chainINI is the INI file, where there is one. If a section is named, a file without it is a mistake: the next source would be
// someone else.
func chainINI(cfg Config) fetcher {
	file := iniFile(cfg)
	return fetcher{source: file.source, fetch: func(ctx context.Context) (Credentials, error) {
		c, err := file.fetch(ctx)
		if e, ok := errors.AsType[*Error](err); ok && cfg.Profile != "" {
			e.unused = e.unused && errors.Is(e, fs.ErrNotExist)
		}
		return c, err
	}}
}

// parseINI never quotes content, nor what the parser says about it: it holds secrets.
func parseINI(content []byte, cfg Config) (fetcher, error) {
	// A dot in a section's name is a part of it, and doesn't make the section inherit keys from another one.
	file, err := ini.LoadSources(ini.LoadOptions{ChildSectionDelimiter: "\x00"}, content)
	if err != nil {
		return fetcher{}, errors.New("it is neither a JSON object nor an INI file (why is left out, as that would quote it)")
	}
	name := cmp.Or(cfg.Profile, "default")
	section, err := file.GetSection(name)
	if err != nil {
		return fetcher{}, unused(fmt.Errorf("it has no section [%s]", name))
	}
	value := func(name string) string { return section.Key(name).String() }
	kind := value("type")
	p := profile{
		Mode: map[string]string{
			"access_key": "AK", "sts": "StsToken", "ram_role_arn": "RamRoleArn", "ecs_ram_role": "EcsRamRole",
		}[kind],
		AccessKeyID: value("access_key_id"), AccessKeySecret: value("access_key_secret"), SecurityToken: value("security_token"),
		AssumeRole: AssumeRole{RoleARN: value("role_arn"), SessionName: value("role_session_name"), Policy: value("policy")},
		RoleName:   value("role_name"),
	}
	switch {
	case cfg.Profile == "" && p.unset() && (kind == "" || p.Mode != ""):
		return fetcher{}, unused(errors.New("its section [default] has no access key"))
	case p.Mode == "":
		return fetcher{}, fmt.Errorf("the type in its section [%s] is %q, not access_key, sts, ram_role_arn or ecs_ram_role",
			name, typeName(kind))
	}
	return cliFile{cfg: cfg}.mode(p, nil)
}
