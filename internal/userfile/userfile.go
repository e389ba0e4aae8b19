// Package userfile reads and replaces files in the user's home directory that other tools read and
// write as well.
package userfile

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

// ExpandHome replaces a leading ~ of a path by the user's home directory.
func ExpandHome(path string) (string, error) {
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

const errNoHome = absent("no home directory is known")

// absent says what doesn't exist.
type absent string

func (a absent) Error() string { return string(a) }

func (absent) Unwrap() error { return os.ErrNotExist }

// MaxSize is the maximum size of a file that is read, in bytes.
const MaxSize = 1 << 20

// ErrTooLarge means that a file is larger than [MaxSize].
var ErrTooLarge = errors.New("it is larger than 1 MiB")

// Read reads a regular file, whose path may begin with ~. Other files may be readable only once, or
// never end. The error wraps [os.ErrNotExist] if there is no file.
func Read(path string) (content []byte, err error) {
	if path, err = ExpandHome(path); err != nil {
		return nil, err
	}
	err = retryWhileInUse(func() error {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
			return absent("no file " + path)
		case err != nil:
			return err
		case !info.Mode().IsRegular():
			return fmt.Errorf("%s isn't a regular file", path)
		case info.Size() > MaxSize:
			return fmt.Errorf("read %s: %w", path, ErrTooLarge)
		}
		content, err = os.ReadFile(path)
		return err
	})
	return bytes.TrimPrefix(content, []byte("\xef\xbb\xbf")), err // the mark that editors on Windows put first
}
