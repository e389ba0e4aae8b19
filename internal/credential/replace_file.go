package credential

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// replaceFile replaces the content of the file at path in one step. The file keeps its permissions, and a symbolic link
// keeps pointing to it.
func replaceFile(path string, content []byte) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temporary.Name()) }() // fails once the file was renamed
	// First, so that nobody reads the new content who may not read the old.
	if err = copyPermissions(path, temporary.Name()); err != nil {
		err = fmt.Errorf("copy the permissions of %s: %w", path, err)
	} else {
		_, err = temporary.Write(content)
	}
	if err == nil {
		err = temporary.Sync() // else a crash may leave an empty file
	}
	if err = errors.Join(err, temporary.Close()); err != nil {
		return err
	}
	return retryWhileInUse(func() error { return os.Rename(temporary.Name(), path) })
}

// retryWhileInUse repeats an operation on a file that fails because another process uses the file, which happens on
// Windows and doesn't last: there, a file that is read can't be replaced, and one that is being replaced can't be read. It
// takes no context, because a token that isn't saved is lost. It gives up after two seconds, as the go command does.
func retryWhileInUse(operation func() error) error {
	const limit, interval = 2 * time.Second, 10 * time.Millisecond
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for deadline := time.Now().Add(limit); ; <-ticker.C {
		if err := operation(); !inUse(err) || time.Now().After(deadline) {
			return err
		}
	}
}
