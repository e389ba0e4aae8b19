package quota

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/gofrs/flock"
)

const (
	// contentStart leaves the first byte to the lock: where locks are mandatory, what is locked can't be read or
	// written through another handle.
	contentStart = 1
	// slotSize has space for some six hundred processes.
	slotSize = 64 << 10
	// openTries bounds how often a file is opened again that was replaced meanwhile.
	openTries = 10
)

var errReplaced = errors.New("was replaced each time that it was opened")

// entry is a lease, or a process that waits for one, as other processes see it. Times are nanoseconds of the wall clock
// since 1970.
type entry struct {
	Holder string `json:"holder"`
	Limit  int    `json:"limit"`           // how many calls a second the holder may make
	Since  int64  `json:"since,omitempty"` // since when the holder waits; zero in a lease
	Until  int64  `json:"until"`
}

// content is what the newest slot of the file holds.
type content struct {
	Serial  int64   `json:"serial"`
	Entries []entry `json:"entries"`
}

// sharedFile has two slots that are written in turn, each with a checksum, so that a process that is killed while it
// writes, and a disk that is full, leave the other slot intact. The version of its format is a part of its name.
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

// change locks the file, which is made if it isn't there, and replaces its entries by what change returns for them. It
// waits for the lock in the kernel's queue, which ends only when the lock is free.
func (f *sharedFile) change(change func([]entry) []entry) error {
	file, lock, err := f.lock()
	if err != nil {
		return err
	}
	// Nothing stays open between changes, so that a file that was removed is simply made again.
	defer file.Close()
	defer lock.Close()
	slots := make([]byte, 2*slotSize)
	n, err := file.ReadAt(slots, contentStart)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	newest, next := decode(slots[:n])
	data, err := encode(content{newest.Serial + 1, change(newest.Entries)})
	if err != nil {
		return err
	}
	_, err = file.WriteAt(data, contentStart+next*slotSize)
	return err
}

// lock opens the file and locks it.
func (f *sharedFile) lock() (*os.File, *flock.Flock, error) {
	for range openTries {
		file, err := f.open()
		if err != nil {
			return nil, nil, err
		}
		lock := flock.New(f.path(), flock.SetFlag(os.O_RDWR))
		err = f.wait(lock)
		if err == nil && f.isOpen(file, lock) {
			return file, lock, nil
		}
		_ = errors.Join(lock.Close(), file.Close())
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, fmt.Errorf("lock %s: %w", f.path(), err)
		}
	}
	return nil, nil, fmt.Errorf("%s: %w", f.path(), errReplaced)
}

// isOpen reports whether what was opened, and what was locked, is what others find at the path.
func (f *sharedFile) isOpen(file *os.File, lock *flock.Flock) bool {
	opened, err := file.Stat()
	locked, lockErr := lock.Stat()
	found, findErr := os.Lstat(f.path())
	return errors.Join(err, lockErr, findErr) == nil && os.SameFile(opened, locked) && os.SameFile(opened, found)
}

// open trusts nothing that another user could have put in place. It goes through the opened directory: once that is
// known to be private, what it holds can't be exchanged between look and use.
func (f *sharedFile) open() (*os.File, error) {
	if !filepath.IsAbs(f.dir) {
		return nil, fmt.Errorf("directory %q: not an absolute path, as when no home directory is known", f.dir)
	}
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return nil, err
	}
	if info, err := os.Lstat(f.dir); err != nil || !info.IsDir() {
		return nil, errors.Join(fmt.Errorf("%s: not a directory", f.dir), err)
	}
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	info, err := root.Stat(".")
	if err == nil {
		err = private(info)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.dir, err)
	}

	// Opening a pipe would wait for its other end.
	switch info, err := root.Lstat(f.name); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: not a regular file", f.path())
	default:
		if err := private(info); err != nil {
			return nil, fmt.Errorf("%s: %w", f.path(), err)
		}
	}
	return root.OpenFile(f.name, os.O_RDWR|os.O_CREATE, 0o600)
}

// encode returns a slot. It leaves out the processes that wait where they would be too many: they come again within a second.
func encode(c content) ([]byte, error) {
	body, err := json.Marshal(c)
	if len(body) > slotSize-len("12345678\n\n") {
		c.Entries = slices.DeleteFunc(c.Entries, func(e entry) bool { return e.Since != 0 })
		body, err = json.Marshal(c)
	}
	return fmt.Appendf(nil, "%08x\n%s\n", crc32.ChecksumIEEE(body), body), err
}

// decode returns what is in the newest slot that is intact, and the number of the slot to write next. What follows the
// two lines of a slot is the end of something longer that was written before.
func decode(slots []byte) (newest content, next int64) {
	for i := range int64(2) {
		slot := slots[min(i*slotSize, int64(len(slots))):min((i+1)*slotSize, int64(len(slots)))]
		sum, rest, _ := bytes.Cut(slot, []byte("\n"))
		body, _, _ := bytes.Cut(rest, []byte("\n"))
		var c content
		intact := string(sum) == fmt.Sprintf("%08x", crc32.ChecksumIEEE(body)) && json.Unmarshal(body, &c) == nil
		if intact && c.Serial > newest.Serial {
			newest, next = c, 1-i
		}
	}
	return newest, next
}

// running returns the entries that others than reader have at wall, when the clock was just set ahead by step.
func running(entries []entry, reader string, wall, step int64) []entry {
	was := wall - step
	entries = slices.DeleteFunc(entries, func(e entry) bool { return e.Holder == reader || e.Until < was })
	for i := range entries {
		// Nobody writes more than a lease: the clock was set back since.
		entries[i].Until = wall + min(entries[i].Until, was+int64(lease)) - was
	}
	return entries
}
