package credential

import (
	"io/fs"
	"syscall"
	"testing"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// A source in another user's home directory isn't set up. The error is made here, because a
// superuser who runs the tests has all permissions.
func TestFileError(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err     error
		unnamed bool
		kind    egress.Kind
		unset   bool
	}{
		"absent":               {err: fs.ErrNotExist, kind: NotFound, unset: true},
		"forbidden, unnamed":   {err: fs.ErrPermission, unnamed: true, kind: Invalid, unset: true},
		"forbidden, named":     {err: fs.ErrPermission, kind: Invalid},
		"a directory, unnamed": {err: syscall.EISDIR, unnamed: true, kind: Invalid},
	} {
		e := fileError(&fs.PathError{Op: "open", Path: "f", Err: test.err}, test.unnamed)
		if e.Kind != test.kind || e.notSetUp != test.unset {
			t.Errorf("%s: got kind %s, not set up: %t, want %s, %t", name, e.Kind, e.notSetUp, test.kind, test.unset)
		}
	}
}
