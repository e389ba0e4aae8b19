package credential

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// ExpandHome replaces a leading ~ of a path by the user's home directory. It is an error if that isn't known: the path
// would mean something in the working directory then.
func ExpandHome(path string) (string, error) {
	rest, ok := strings.CutPrefix(path, "~")
	if !ok || rest != "" && !os.IsPathSeparator(rest[0]) {
		return path, nil
	}
	home, err := os.UserHomeDir()
	if err != nil || !filepath.IsAbs(home) {
		return "", fmt.Errorf("%s: %w", path, errNoHome)
	}
	return filepath.Join(home, rest), nil
}

var errNoHome = errors.New("no home directory is known")

// maxInput is how much of a file or of a command's output is read, in bytes, so that one that never ends doesn't use up
// the memory.
const maxInput = 1 << 20

var errTooLarge = errors.New("it is larger than 1 MiB")

// readFile reads a file whose path may begin with ~.
func readFile(path string) ([]byte, error) {
	path, err := ExpandHome(path)
	if err != nil {
		return nil, err
	}
	var file *os.File
	err = retryWhileInUse(func() (err error) {
		file, err = os.Open(path)
		return err
	})
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, maxInput+1))
	if err == nil && len(content) > maxInput {
		err = fmt.Errorf("read %s: %w", path, errTooLarge)
	}
	return bytes.TrimPrefix(content, []byte("\xef\xbb\xbf")), err // the mark that editors on Windows put first
}

// IsCLIFile reports whether the file at path, which may begin with ~, is the CLI's and not an INI file: a JSON object. It
// reads regular files only, since others can be read just once, or never end.
func IsCLIFile(path string) bool {
	content, err := readRegular(path)
	return err == nil && isObject(content)
}

func readRegular(path string) ([]byte, error) {
	expanded, err := ExpandHome(path)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(expanded); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s isn't a regular file", path)
	}
	return readFile(path)
}

func isObject(content []byte) bool {
	return bytes.HasPrefix(bytes.TrimSpace(content), []byte("{"))
}

func fileKind(err error) Kind {
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, errNoHome) || errors.Is(err, syscall.ENOTDIR) {
		return NotFound
	}
	return Invalid
}

// fileError is about a file that can't be read. There may be none, and what is in the home directory belongs to somebody
// else where this user can't read it: nobody has set these up for the default chain.
func fileError(err error, inHome bool) *Error {
	kind := fileKind(err)
	return &Error{Kind: kind, Err: err, unused: kind == NotFound || inHome && errors.Is(err, os.ErrPermission)}
}
