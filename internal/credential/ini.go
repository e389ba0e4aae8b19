package credential

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"gopkg.in/ini.v1"
)

// iniSection is a section of the file that the older tools share: the one called Name, else
// [default].
type iniSection Profile

func (s iniSection) path() string { return cmp.Or(s.File, s.INI, "~/.alibabacloud/credentials") }

func (s iniSection) String() string {
	if s.Name != "" {
		return "section [" + s.Name + "] of file " + s.path()
	}
	return "file " + s.path()
}

func (s iniSection) fetch(ctx context.Context, e *env) (Credentials, error) {
	content, err := readFile(s.path())
	if err != nil {
		return Credentials{}, fileError(err, s.File+s.INI+s.Name == "")
	}
	p, err := parseINI(content, s.Name)
	if err != nil {
		return Credentials{}, err
	}
	c, err := cliFile{from: cliProfile{Profile: Profile(s)}, env: e}.use(ctx, p.completed(s.Completion), nil)
	c.source = s.String()
	return c, err
}

// parseINI never quotes content, nor what the parser says about it: it holds secrets. If a section
// is named, a file without it is a mistake: the next source would be another identity.
func parseINI(content []byte, named string) (profile, error) {
	// A dot in a section's name is a part of it, and doesn't make the section inherit keys from
	// another one.
	file, err := ini.LoadSources(ini.LoadOptions{ChildSectionDelimiter: "\x00"}, content)
	if err != nil {
		const text = "it is neither a JSON object nor an INI file (why is left out, as that would quote it)"
		return profile{}, errors.New(text)
	}
	name := cmp.Or(named, "default")
	section, err := file.GetSection(name)
	if err != nil {
		err := fmt.Errorf("it has no section [%s]", name)
		return profile{}, &Error{Kind: NotFound, Err: err, notSetUp: named == ""}
	}
	value := func(name string) string { return section.Key(name).String() }
	kind := value("type")
	p := profile{
		Mode: map[string]string{
			"access_key": "AK", "sts": "StsToken", "ram_role_arn": "RamRoleArn", "ecs_ram_role": "EcsRamRole",
		}[kind],
		AccessKeyID: value("access_key_id"), AccessKeySecret: value("access_key_secret"),
		SecurityToken: value("security_token"), RoleName: value("role_name"),
	}
	p.RoleARN, p.SessionName, p.Policy = value("role_arn"), value("role_session_name"), value("policy")
	switch {
	case named == "" && p.unset() && (kind == "" || p.Mode != ""):
		return profile{}, notSetUp(errors.New("its section [default] has no access key"))
	case p.Mode == "":
		const text = "the type in its section [%s] is %q, not access_key, sts, ram_role_arn or ecs_ram_role"
		return profile{}, fmt.Errorf(text, name, typeName(kind))
	}
	return p, nil
}
