package userfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// errChanged means that another process wrote a file meanwhile.
var errChanged = errors.New("its content has changed")

// Edit replaces the content of the file at path by what change makes of it, and of what other tools
// write meanwhile.
func Edit(path string, change func([]byte) ([]byte, error)) error {
	err := errChanged
	for errors.Is(err, errChanged) {
		var old, content []byte
		if old, err = Read(path); err == nil {
			content, err = change(old)
		}
		if err != nil {
			return fmt.Errorf("update %s: %w", path, err)
		}
		err = writeFile(path, old, content)
	}
	return err
}

// writeFile replaces the content of the file at path, old: in one step, or in place if the file
// can't be replaced.
func writeFile(path string, old, content []byte) error {
	err := replaceFile(path, old, content)
	if err == nil || errors.Is(err, errChanged) {
		return err
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
	// To write a file may take long. Other tools don't lock it, and may have written it meanwhile.
	if now, err := Read(path); err == nil && !bytes.Equal(now, old) {
		return errChanged
	}
	return retryWhileInUse(func() error { return os.Rename(temporary.Name(), path) })
}

// overwriteFile writes content into the file at path. If there is no room for it the file is as it
// was: more room is taken first, and less is blank before it is cut.
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
