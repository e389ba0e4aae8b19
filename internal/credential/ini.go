package credential

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"gopkg.in/ini.v1"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/userfile"
)

// iniSection is a section of the file that the older tools share: the one called Name, else
// [default].
type iniSection struct{ Profile }

func (s iniSection) path() string { return cmp.Or(s.File, s.INI, "~/.alibabacloud/credentials") }

func (s iniSection) String() string {
	if s.Name != "" {
		return "section [" + s.Name + "] of file " + s.path()
	}
	return "file " + s.path()
}

func (s iniSection) fetch(ctx context.Context, e *env) (Credentials, error) {
	content, err := userfile.Read(s.path())
	if err != nil {
		return Credentials{}, fileError(err, s.File+s.INI+s.Name == "")
	}
	p, err := parseINI(content, s.Name)
	if err != nil {
		return Credentials{}, err
	}
	return cliFile{from: s.Profile, env: e}.use(ctx, p.completed(s.Files), nil)
}

// parseINI never quotes content, nor what the parser says about it: it holds secrets. If a section
// is named, a file without it is a mistake: the next source would be another identity.
func parseINI(content []byte, named string) (p profile, err error) {
	// A dot in a section's name doesn't make it inherit keys from another one.
	file, err := ini.LoadSources(ini.LoadOptions{ChildSectionDelimiter: "\x00"}, content)
	if err != nil {
		return p, errors.New("it is neither a JSON object nor an INI file (why is left out, as that would quote it)")
	}
	name := cmp.Or(named, "default")
	section, err := file.GetSection(name)
	if err != nil {
		return p, absent(named == "", fmt.Errorf("it has no section [%s]", name))
	}
	for field, key := range map[*string]string{
		&p.AccessKeyID: "access_key_id", &p.AccessKeySecret: "access_key_secret", &p.SecurityToken: "security_token",
		&p.RoleARN: "role_arn", &p.SessionName: "role_session_name", &p.Policy: "policy", &p.RoleName: "role_name",
	} {
		*field = section.Key(key).String()
	}
	kind := section.Key("type").String()
	p.Mode = map[string]string{
		"access_key": "AK", "sts": "StsToken", "ram_role_arn": "RamRoleArn", "ecs_ram_role": "EcsRamRole",
	}[kind]
	switch {
	case named == "" && p.unset() && (kind == "" || p.Mode != ""):
		return p, absent(true, errors.New("its section [default] has no access key"))
	case p.Mode == "":
		const text = "the type in its section [%s] is %q, not access_key, sts, ram_role_arn or ecs_ram_role"
		return p, fmt.Errorf(text, name, typeName(kind))
	}
	return p, nil
}
