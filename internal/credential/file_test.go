package credential

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// What is in a home that belongs to somebody else is what nobody has set up. Permissions don't keep a superuser who runs
// the tests from anything, so that the error is made.
func TestFileError(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err     error
		unnamed bool
		kind    egress.Kind
		unused  bool
	}{
		"absent":               {err: fs.ErrNotExist, kind: NotFound, unused: true},
		"below a file":         {err: syscall.ENOTDIR, kind: NotFound, unused: true},
		"no home":              {err: errNoHome, unnamed: true, kind: NotFound, unused: true},
		"forbidden, unnamed":   {err: fs.ErrPermission, unnamed: true, kind: Invalid, unused: true},
		"forbidden, named":     {err: fs.ErrPermission, kind: Invalid},
		"a directory, unnamed": {err: syscall.EISDIR, unnamed: true, kind: Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := fileError(&fs.PathError{Op: "open", Path: "f", Err: test.err}, test.unnamed)
			if e.Kind != test.kind {
				t.Errorf("got kind %s, want %s", e.Kind, test.kind)
			}
			if e.unused != test.unused {
				t.Errorf("got unused %t, want %t", e.unused, test.unused)
			}
		})
	}
}

func TestHomeIsExpanded(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	if err := os.WriteFile(filepath.Join(home, "mine.json"), []byte(`{"current": "p", "profiles": [{"name": "p", "mode": "AK", `+ak+`}]}`),
		0o600); err != nil {
		t.Fatal(err)
	}
	s, _, err := fetch(t, Config{SharedCredentialsFile: "~/mine.json"})
	if err != nil {
		t.Errorf("got %v, want credentials", err)
	}
	if want := "profile p of ~/mine.json"; s.String() != want {
		t.Errorf("got source %q, want %q", s, want)
	}
	for path, want := range map[string]string{"~": home, "~other/x": "~other/x", "/~/x": "/~/x", "": ""} {
		if got, err := expandHome(path); got != want || err != nil {
			t.Errorf("%q: got %q, %v, want %q", path, got, err, want)
		}
	}
}

// Without a home directory, ~ would name a directory of the working directory, whose External command would be run.
func TestNoHome(t *testing.T) {
	t.Chdir(t.TempDir())
	external := `{"current": "p", "profiles": [{"name": "p", "mode": "External", "process_command": "touch ran"}]}`
	write(t, "~/.aliyun/config.json", external)
	write(t, "~/.alibabacloud/credentials", "[default]\ntype = access_key\naccess_key_id = a\naccess_key_secret = b\n")
	write(t, "~/token", castest.OIDCToken)
	t.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
	for _, homeless := range []string{"", "relative"} {
		t.Setenv("HOME", homeless)
		t.Setenv("USERPROFILE", homeless)
		for name, cfg := range map[string]Config{
			"chain":   {},
			"profile": {Profile: "p"},
			"file":    {SharedCredentialsFile: "~/.aliyun/config.json"},
			"OIDC":    {OIDC: &OIDC{ProviderARN: testProvider, TokenFile: "~/token"}},
		} {
			_, _, err := fetch(t, cfg)
			kind := NotFound
			if name == "chain" {
				kind = Nowhere
			}
			failed(t, err, kind, "no home directory is known")
		}
	}
	if _, err := os.Stat("ran"); err == nil {
		t.Error("got a command of the working directory run, want none")
	}
}
