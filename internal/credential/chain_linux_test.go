package credential

import (
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

// The instance's role would be somebody else. Permissions don't keep a superuser who runs the tests from anything, so that this
// one thread has another user's.
//
//nolint:paralleltest // it has a home directory of its own
func TestDefaultChainStopsAtASectionThatIsForbidden(t *testing.T) {
	path := filepath.Join(home(t), iniPath)
	write(t, path, iniOf("p", "access_key", castest.DefaultKey.AccessKeyID))
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_ = syscall.Setfsuid(65534) // changes nothing where the user isn't a superuser
	defer func() { _ = syscall.Setfsuid(os.Geteuid()) }()
	_, err := defaultChain(Config{NoCLIFile: "X", Profile: "p", Logger: slog.New(slog.DiscardHandler)}).get(t.Context())
	failed(t, err, Invalid, "permission denied")
}
