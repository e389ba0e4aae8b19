package credential

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"gopkg.in/ini.v1"
)

// iniFile is a section of the file that the older tools share: the one that cfg.Profile names, else [default].
func iniFile(cfg Config) fetcher {
	path := cmp.Or(cfg.SharedCredentialsFile, cfg.INIFile, "~/.alibabacloud/credentials")
	title := "file " + path
	if cfg.Profile != "" {
		title = "section [" + cfg.Profile + "] of " + title
	}
	return fetcher{source: title, fetch: func(ctx context.Context) (Credentials, error) {
		content, err := readFile(path)
		if err != nil {
			return Credentials{}, fileError(err, cfg.SharedCredentialsFile+cfg.INIFile+cfg.Profile == "")
		}
		p, err := parseINI(content, cfg.Profile)
		if err != nil {
			return Credentials{}, err
		}
		c, err := cliFile{cfg: cfg}.use(ctx, p, nil)
		c.source = title
		return c, err
	}}
}

// parseINI never quotes content, nor what the parser says about it: it holds secrets. If a section is named, a file without it
// is a mistake: the next source would be someone else.
func parseINI(content []byte, named string) (profile, error) {
	// A dot in a section's name is a part of it, and doesn't make the section inherit keys from another one.
	file, err := ini.LoadSources(ini.LoadOptions{ChildSectionDelimiter: "\x00"}, content)
	if err != nil {
		return profile{}, errors.New("it is neither a JSON object nor an INI file (why is left out, as that would quote it)")
	}
	name := cmp.Or(named, "default")
	section, err := file.GetSection(name)
	if err != nil {
		return profile{}, &Error{Kind: NotFound, Err: fmt.Errorf("it has no section [%s]", name), unused: named == ""}
	}
	value := func(name string) string { return section.Key(name).String() }
	kind := value("type")
	p := profile{
		Mode: map[string]string{
			"access_key": "AK", "sts": "StsToken", "ram_role_arn": "RamRoleArn", "ecs_ram_role": "EcsRamRole",
		}[kind],
		AccessKeyID: value("access_key_id"), AccessKeySecret: value("access_key_secret"), SecurityToken: value("security_token"),
		RoleName: value("role_name"),
	}
	p.AssumeRole = AssumeRole{RoleARN: value("role_arn"), SessionName: value("role_session_name"), Policy: value("policy")}
	switch {
	case named == "" && p.unset() && (kind == "" || p.Mode != ""):
		return profile{}, unused(errors.New("its section [default] has no access key"))
	case p.Mode == "":
		return profile{}, fmt.Errorf("the type in its section [%s] is %q, not access_key, sts, ram_role_arn or ecs_ram_role",
			name, typeName(kind))
	}
	return p, nil
}
