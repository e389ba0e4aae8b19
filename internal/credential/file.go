package credential

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
)

// expandHome replaces a leading ~ of a path by the user's home directory.
func expandHome(path string) (string, error) {
	rest, ok := strings.CutPrefix(path, "~")
	if !ok || rest != "" && !os.IsPathSeparator(rest[0]) {
		return path, nil
	}
	home, err := HomeDir()
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return filepath.Join(home, rest), nil
}

// HomeDir returns the user's home directory: that of the environment or, as a service may have none
// there, that of the user database.
func HomeDir() (string, error) {
	home, _ := os.UserHomeDir()
	if !filepath.IsAbs(home) {
		if u, err := user.Current(); err == nil {
			home = u.HomeDir
		}
	}
	if !filepath.IsAbs(home) { // a relative path would be in the working directory
		return "", errNoHome
	}
	return home, nil
}

var errNoHome = errors.New("no home directory is known")

// maxInput bounds what is read of a file or of a command's output, in bytes.
const maxInput = 1 << 20

var errTooLarge = errors.New("it is larger than 1 MiB")

// readFile reads a regular file, whose path may begin with ~. Other files may be readable only
// once, or never end.
func readFile(path string) (content []byte, err error) {
	if path, err = expandHome(path); err != nil {
		return nil, err
	}
	err = retryWhileInUse(func() error {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
			return newError(NotFound, errors.New("no file "+path))
		case err != nil:
			return err
		case !info.Mode().IsRegular():
			return fmt.Errorf("%s isn't a regular file", path)
		case info.Size() > maxInput:
			return fmt.Errorf("read %s: %w", path, errTooLarge)
		}
		content, err = os.ReadFile(path)
		return err
	})
	return bytes.TrimPrefix(content, []byte("\xef\xbb\xbf")), err // the mark that editors on Windows put first
}

// IsCLIFile reports whether the file at path, which may begin with ~, is the CLI's and not an INI
// file: a JSON object.
func IsCLIFile(path string) bool {
	content, err := readFile(path)
	return err == nil && bytes.HasPrefix(bytes.TrimSpace(content), []byte("{"))
}

// fileError is about a file that can't be read. It isn't set up if it is absent, or if it is
// another user's and the user of this process didn't name it.
func fileError(err error, unnamed bool) *Error {
	e := asError(err)
	e.notSetUp = e.Kind == NotFound || unnamed && errors.Is(err, os.ErrPermission)
	return e
}
