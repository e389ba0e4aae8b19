package quota

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

const (
	// start leaves the first byte to the lock: Windows lets nobody read or write what is locked.
	start = 1
	// slotSize has space for more than ten thousand processes.
	slotSize = 1 << 20
)

// entry is a lease, or a process that waits for one, as other processes see it. Times are nanoseconds of the wall clock
// since 1970.
type entry struct {
	Holder string `json:"holder"`
	Limit  int    `json:"limit"`           // how many calls a second the holder may make
	Since  int64  `json:"since,omitempty"` // since when the holder waits; zero in a lease
	Until  int64  `json:"until"`
}

// sharedFile holds the entries of all processes, in JSON. It has two slots, which are written in turn, and begins with the
// number of the one that counts: so a process that is killed while it writes, and a disk that is full, leave what was there
// before. The version of its format is a part of its name.
type sharedFile struct {
	dir, name string
	wait      func(*flock.Flock) error // Lock, except in tests
}

func (f *sharedFile) path() string { return filepath.Join(f.dir, f.name) }

// exists reports whether another process may share the file, though this one can't use it.
func (f *sharedFile) exists() bool {
	_, err := os.Lstat(f.path())
	return err == nil
}

// change replaces the entries by what change returns for them, while no other process does. It waits for the lock in the
// kernel's queue, which ends only when the lock is free.
func (f *sharedFile) change(change func([]entry) []entry) error {
	if err := f.makeDir(); err != nil {
		return err
	}
	lock := flock.New(f.path(), flock.SetFlag(os.O_CREATE|os.O_RDWR)) // NFS only locks what may be written
	if err := f.wait(lock); err != nil {
		return fmt.Errorf("lock %s: %w", f.path(), err)
	}
	defer lock.Close()
	file, err := os.OpenFile(f.path(), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	number := make([]byte, 1)
	if _, err := file.ReadAt(number, start); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	slot := int64(number[0] & 1)
	entries, err := decode(io.NewSectionReader(file, start+1+slot*slotSize, slotSize))
	if err != nil {
		return err
	}
	data, err := json.Marshal(change(entries))
	if err != nil {
		return err
	}
	slot = 1 - slot
	if _, err := file.WriteAt(data, start+1+slot*slotSize); err != nil {
		return err
	}
	_, err = file.WriteAt([]byte{byte(slot)}, start)
	return err
}

// decode reads the entries of a slot. What isn't a list of entries counts as none, and what the file system can't read is an
// error.
func decode(slot io.Reader) (entries []entry, err error) {
	err = json.NewDecoder(slot).Decode(&entries)
	failure, failed := errors.AsType[*fs.PathError](err)
	switch {
	case failed:
		return nil, failure
	case err != nil:
		entries = nil
	}
	return entries, nil
}

// makeDir makes the directory if it isn't there, and refuses one in which another user could put something.
func (f *sharedFile) makeDir() error {
	if !filepath.IsAbs(f.dir) {
		return fmt.Errorf("directory %q: not an absolute path, as when no home directory is known", f.dir)
	}
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return err
	}
	info, err := os.Lstat(f.dir)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s: not a directory", f.dir)
	}
	if err := private(info); err != nil {
		return fmt.Errorf("%s: %w", f.dir, err)
	}
	return nil
}
