package credential

import (
	"strings"
	"testing"
)

// What the parser of INI files says quotes the line that it can't read.
func TestINIIsNeverQuoted(t *testing.T) {
	t.Parallel()
	const secret = "tOpSeCrEt0123456789"
	for _, content := range []string{
		"[default]\n= " + secret, "[default]\n`" + secret, "[default]\n\"\"\"" + secret, "[default " + secret,
		"[default]\n" + secret,
		"[default]\nkey = `" + secret, "[default]\nkey = \"\"\"" + secret, "[" + secret + "]", "[default]\ntype = " + secret,
		"[default]\ntype = %(" + secret + ")s",
	} {
		_, err := parseINI([]byte(content), "")
		if err == nil {
			t.Errorf("%q: got no error, want one", content)
			continue
		}
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%q: got %v, want the line left out", content, err)
		}
	}
}

// A section whose name has a dot in it inherits nothing.
func TestINISectionInheritsNothing(t *testing.T) {
	t.Parallel()
	const content = "[team]\ntype = access_key\naccess_key_id = a\naccess_key_secret = b\n[team.prod]\nregion = x\n"
	_, err := parseINI([]byte(content), "team.prod")
	if err == nil || !strings.Contains(err.Error(), "the type in its section [team.prod]") {
		t.Errorf("got %v, want no type in the section", err)
	}
}
