package credential

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
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

// readFile reads a file whose path may begin with ~.
func readFile(path string) ([]byte, error) {
	path, err := ExpandHome(path)
	if err != nil {
		return nil, err
	}
	return readBounded(path)
}

// maxInput is how much of a file or of a command's output is read, in bytes, lest one that never ends use up the memory.
const maxInput = 1 << 20

var errTooLarge = errors.New("it is larger than 1 MiB")

func readBounded(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, maxInput+1))
	if err == nil && len(content) > maxInput {
		err = fmt.Errorf("read %s: %w", path, errTooLarge)
	}
	return content, err
}

func fileKind(err error) Kind {
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, errNoHome) {
		return NotFound
	}
	return Invalid
}
