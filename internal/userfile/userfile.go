// Package userfile reads and replaces files in the user's home directory that other tools read and
// write as well.
package userfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
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

// HomeDir returns the user's home directory, from the user database if a service has no HOME.
func HomeDir() (string, error) {
	home, _ := os.UserHomeDir()
	if !filepath.IsAbs(home) {
		if u, err := user.Current(); err == nil {
			home = u.HomeDir
		}
	}
	if !filepath.IsAbs(home) { // a relative path would be in the working directory
		return "", absent("no home directory is known")
	}
	return home, nil
}

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

// errChanged means that another process wrote a file meanwhile.
var errChanged = errors.New("its content has changed")

// Edit replaces the content of the file at path by what change makes of it, and of what other tools
// write meanwhile: in one step, or in place if the file can't be replaced.
func Edit(path string, change func([]byte) ([]byte, error)) error {
	old, err := Read(path)
	if err != nil {
		return err
	}
	content, err := change(old)
	if err != nil {
		return fmt.Errorf("update %s: %w", path, err)
	}
	err = replaceFile(path, old, content)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errChanged):
		return Edit(path, change)
	}
	if inPlace := overwriteFile(path, content); inPlace != nil {
		return fmt.Errorf("replace %s: %w; write into it: %w", path, err, inPlace)
	}
	return nil
}

// replaceFile replaces the file at path by one with the content, in one step, if it still holds
// old. It keeps the owner, but only the owner has access to it then, as if the CLI had written it.
// A symbolic link keeps pointing to it.
func replaceFile(path string, old, content []byte) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temporary.Name()) }() // fails once the file was renamed
	_, err = temporary.Write(content)
	synced := temporary.Sync() // otherwise a crash may leave an empty file
	if err := errors.Join(err, synced, keepOwner(path, temporary), temporary.Close()); err != nil {
		return err
	}
	// Other tools don't lock the file, and may have written it meanwhile.
	if now, err := Read(path); err == nil && !bytes.Equal(now, old) {
		return errChanged
	}
	return retryWhileInUse(func() error { return os.Rename(temporary.Name(), path) })
}

// overwriteFile writes content into the file at path. On a full disk, the file stays as it was: a
// longer content takes its space first, and what a shorter one leaves is blank before it is cut.
func overwriteFile(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	needed := int64(len(content))
	blanks := func(n int64) []byte { return bytes.Repeat([]byte(" "), int(max(n, 0))) }
	write := func(content []byte, at int64) error {
		_, err := file.WriteAt(content, at)
		return errors.Join(err, file.Sync())
	}
	if err := write(blanks(needed-size), size); err != nil {
		return errors.Join(err, file.Truncate(size))
	}
	if err := write(append(content, blanks(size-needed)...), 0); err != nil {
		return err
	}
	return file.Truncate(needed)
}

// retryWhileInUse repeats an operation on a file that fails because another process uses it, for up
// to two seconds, as the go command does: on Windows, a file that is being read can't be replaced,
// nor read while it is replaced. It takes no context, because a token that isn't saved is lost.
func retryWhileInUse(operation func() error) error {
	const limit, interval = 2 * time.Second, 10 * time.Millisecond
	for deadline := time.Now().Add(limit); ; <-time.After(interval) {
		if err := operation(); !inUse(err) || time.Now().After(deadline) {
			return err
		}
	}
}

// inUse reports whether err may be due to that. Windows denies access in some of these cases.
func inUse(err error) bool {
	const sharingViolation = syscall.Errno(32)
	return runtime.GOOS == "windows" && (errors.Is(err, sharingViolation) || errors.Is(err, os.ErrPermission))
}
