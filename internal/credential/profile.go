package credential

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"gopkg.in/ini.v1"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/userfile"
)

// Profile is a profile of the CLI's file or else, as for other tools, a section of the INI file.
type Profile struct {
	Name string // empty means the current profile, or the section [default]
	// File is the only file to look into: the CLI's if it is a JSON object, else an INI file. Empty
	// means both of Files.
	File string
	Files
	off string // the variable that switches off the CLI's file
}

// Files says where profiles are, and what completes them.
type Files struct {
	// CLI and INI are the files. Empty means ~/.aliyun/config.json and ~/.alibabacloud/credentials.
	CLI, INI string
	// NoExternal is the variable that switches off profiles that run a command or request a URI.
	// Empty means that they are on.
	NoExternal string
	// Role and URI count if a profile leaves a field empty. Role's policy and expiration don't.
	Role OIDC
	URI  string
}

func (s Profile) path() string { return cmp.Or(s.File, s.CLI, "~/.aliyun/config.json") }

func (s Profile) String() string {
	if s.Name == "" {
		return "the current profile of " + s.path()
	}
	return "profile " + s.Name + " of " + s.path()
}

func (s Profile) fetch(ctx context.Context, f *fetcher) (Credentials, error) {
	switch {
	case s.File == "":
		return f.firstOf(ctx, newError(NotFound, "neither file has it"), cliProfile{s}, iniSection{s})
	case IsCLIFile(s.File):
		return f.get(ctx, cliProfile{s})
	}
	return f.get(ctx, iniSection{s})
}

// IsCLIFile reports whether a file, whose path may begin with ~, is a JSON object like the CLI's.
func IsCLIFile(path string) bool {
	content, err := userfile.Read(path)
	return err == nil && bytes.HasPrefix(bytes.TrimSpace(content), []byte("{"))
}

// cliProfile is a profile of the CLI's file.
type cliProfile struct{ Profile }

func (s cliProfile) fetch(ctx context.Context, f *fetcher) (Credentials, error) {
	p, err := s.read()
	if err != nil {
		return Credentials{}, err
	}
	s.Name = p.Name
	c, err := p.fetch(ctx, f)
	c.source, c.sts = s.String(), p.STS
	if err == nil && !f.ignored && p.Endpoint != "" {
		f.ignored = true
		const text = "The profile's endpoint is ignored, because it is for every product: set endpoints.cas instead"
		f.Logger.InfoContext(ctx, text, "profile", p.Name)
	}
	return c, err
}

// read reads the profile from the CLI's file, as every fetch does, so that it sees a new sign-in.
func (s Profile) read() (profile, error) {
	if s.off != "" {
		return profile{}, absent(true, errors.New("switched off by "+s.off))
	}
	content, err := userfile.Read(s.path())
	if err != nil {
		return profile{}, fileError(err, s.File+s.CLI+s.Name == "")
	}
	file, err := parseCLIFile(content)
	if err != nil {
		return profile{}, err
	}
	file.from = s
	file.path, _ = userfile.ExpandHome(s.path()) // no error, because it was read
	p, err := file.find(cmp.Or(s.Name, file.Current, "default"))
	if err == nil && s.Name == "" && p.unset() {
		err = fmt.Errorf("profile %s has no access key", p.Name)
	}
	if err != nil {
		return profile{}, absent(true, err)
	}
	return p.completed(s.Files), nil
}

// cliFile is the CLI's configuration file.
type cliFile struct {
	Current  string    `json:"current"` // the name of the current profile
	Profiles []profile `json:"profiles"`

	from Profile
	path string
}

// parseCLIFile parses content, and never quotes it, because it holds secrets.
func parseCLIFile(content []byte) (file cliFile, err error) {
	if err := wrongType(json.Unmarshal(content, &file)); err != nil {
		return file, fmt.Errorf("not the CLI's configuration: %w", err)
	}
	return file, nil
}

// find returns a profile by its name.
func (c cliFile) find(name string) (profile, error) {
	var names []string
	for _, p := range c.Profiles {
		if p.Name == name {
			p.file = c
			return p, nil
		}
		names = append(names, p.Name)
	}
	if names == nil {
		return profile{}, errors.New("it has no profiles")
	}
	return profile{}, fmt.Errorf("%s has no profile %q, only %s", c.path, name, strings.Join(names, ", "))
}

// UnmarshalJSON names the profile in an error.
func (p *profile) UnmarshalJSON(content []byte) error {
	type fields profile
	if err := wrongType(json.Unmarshal(content, (*fields)(p))); err != nil {
		return fmt.Errorf("profile %s: %w", cmp.Or(p.Name, "without a name"), err)
	}
	return nil
}

// wrongType names the field that has the wrong type as the file does.
func wrongType(err error) error {
	wrong, ok := errors.AsType[*json.UnmarshalTypeError](err)
	if !ok {
		return err
	}
	field := wrong.Field[strings.LastIndex(wrong.Field, ".")+1:]
	return fmt.Errorf("%s has the wrong type", cmp.Or(field, "it"))
}

// iniSection is a section of the older tools' file: the one called Name, or else [default].
type iniSection struct{ Profile }

func (s iniSection) path() string { return cmp.Or(s.File, s.INI, "~/.alibabacloud/credentials") }

func (s iniSection) String() string {
	if s.Name != "" {
		return "section [" + s.Name + "] of file " + s.path()
	}
	return "file " + s.path()
}

func (s iniSection) fetch(ctx context.Context, f *fetcher) (Credentials, error) {
	content, err := userfile.Read(s.path())
	if err != nil {
		return Credentials{}, fileError(err, s.File+s.INI+s.Name == "")
	}
	p, err := parseINI(content, s.Name)
	if err != nil {
		return Credentials{}, err
	}
	return p.completed(s.Files).fetch(ctx, f)
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
		&p.ID: "access_key_id", &p.Secret: "access_key_secret", &p.AccessKey.Token: "security_token",
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
