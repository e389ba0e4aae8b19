package credential

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

// forbidden makes a file that nobody may read, and returns a function that runs another one without a superuser's permissions:
// these don't keep the user who runs the tests in a container from anything.
func forbidden(t *testing.T, path, content string) (try func(func())) {
	t.Helper()
	write(t, path, content)
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	return func(f func()) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		_ = syscall.Setfsuid(65534) // of this thread; it changes nothing where the user isn't a superuser
		defer func() { _ = syscall.Setfsuid(os.Geteuid()) }()
		f()
	}
}

// The instance's role would be somebody else.
func TestDefaultChainStopsAtASectionThatIsForbidden(t *testing.T) { //nolint:paralleltest // it has a home directory of its own
	try := forbidden(t, filepath.Join(home(t), iniPath), iniOf("p", "access_key", castest.DefaultKey.AccessKeyID))
	try(func() {
		_, err := New(Config{Source: Default{Section: "p", NoCLI: "X"}}).env.get(t.Context(), Default{Section: "p", NoCLI: "X"})
		failed(t, err, Invalid, "permission denied")
	})
}

func TestTokenFileThatIsForbidden(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "token")
	forbidden(t, path, castest.OIDCToken)(func() {
		if _, err := (OIDC{TokenFile: path}).token(); err == nil || !strings.Contains(err.Error(), "fsGroup") {
			t.Errorf("got %v, want fsGroup in it", err)
		}
	})
	if _, err := (OIDC{TokenFile: path + "s"}).token(); err == nil || strings.Contains(err.Error(), "fsGroup") {
		t.Errorf("got %v, want one without fsGroup in it", err)
	}
}
