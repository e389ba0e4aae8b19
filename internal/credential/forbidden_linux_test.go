package credential

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

// forbidden makes a file without permission to read it, and returns [unprivileged].
func forbidden(t *testing.T, path, content string) (try func(func())) {
	t.Helper()
	write(t, path, content)
	must(t, os.Chmod(path, 0))
	return unprivileged
}

// unprivileged runs f without a superuser's permissions: a mode doesn't keep the user who runs the
// tests in a container from anything.
func unprivileged(f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_ = syscall.Setfsuid(65534) // of this thread; it changes nothing where the user isn't a superuser
	defer func() { _ = syscall.Setfsuid(os.Geteuid()) }()
	f()
}

// Whether the new tokens of a sign-in can be saved is known before the old one is used up.
func TestOAuthFileThatIsForbidden(t *testing.T) {
	t.Parallel()
	const unlocked = `level=WARN msg="The CLI's file can't be locked`
	for name, test := range map[string]struct {
		directory, file, lock os.FileMode
		saved                 bool
		logged                string
	}{
		"the directory": {directory: 0o555, file: 0o666, lock: 0o644, saved: true},
		"the file":      {directory: 0o777, file: 0o444, lock: 0o644, saved: true},
		"both":          {directory: 0o555, file: 0o444, lock: 0o644},
		"the lock":      {directory: 0o777, file: 0o666, saved: true, logged: unlocked},
		"a FIFO":        {directory: 0o777, file: 0o666, lock: os.ModeNamedPipe | 0o644, saved: true},
		"no lock":       {directory: 0o777, file: 0o666, lock: os.ModeDir | 0o755, saved: true, logged: unlocked},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refresh := castest.OAuthRefreshToken + rand.Text()
			path := config(t, renewing(refresh))
			switch test.lock.Type() {
			case os.ModeDir:
				must(t, os.Mkdir(path+".lock", 0o700))
			case os.ModeNamedPipe:
				must(t, syscall.Mkfifo(path+".lock", 0o600))
			default:
				write(t, path+".lock", "")
			}
			directory := filepath.Dir(path)
			for name, mode := range map[string]os.FileMode{
				path: test.file, path + ".lock": test.lock, directory: test.directory, filepath.Dir(directory): 0o755,
			} {
				must(t, os.Chmod(name, mode))
			}
			t.Cleanup(func() { _ = os.Chmod(directory, 0o700) })
			logger, lines := logged()
			var err error
			unprivileged(func() {
				_, err = New(Config{Source: Default{}, Logger: logger}).fetcher.get(t.Context(), Profile{File: path})
			})
			if !strings.Contains(lines.String(), test.logged) || test.logged == "" && lines.Len() > 0 {
				t.Errorf("got log %s, want %q", lines, test.logged)
			}
			if content, _ := os.ReadFile(path); strings.Contains(string(content), refresh+"-next") != test.saved {
				t.Errorf("got %s, want the new refresh token in it: %t", content, test.saved)
			}
			if test.saved {
				if err != nil {
					t.Error(err)
				}
				return
			}
			failed(t, err, Invalid, "the sign-in isn't renewed, because its new tokens couldn't be saved: replace "+path)
			if e, _ := errors.AsType[*Error](err); e.Command != "" {
				t.Errorf("got command %s, want none, as it wouldn't help", e.Command)
			}
			if spent(refresh) > 0 {
				t.Error("got the refresh token used up, want it kept")
			}
		})
	}
}

// The instance's role would be another identity.
func TestChainStopsAtASectionThatIsForbidden(t *testing.T) { //nolint:paralleltest // it has its own home directory
	try := forbidden(t, filepath.Join(home(t, nil), iniPath), iniOf("p", "access_key", castest.DefaultKey.AccessKeyID))
	try(func() {
		source := Default{Section: "p", NoCLI: "X"}
		_, err := New(Config{Transport: isolated, Source: source}).fetcher.get(t.Context(), source)
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
