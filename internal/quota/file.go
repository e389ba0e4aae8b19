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
	// version goes up when an older reader would misread the leases. The header line stays.
	version = 1
	// maxSize is several times what a hundred leases need.
	maxSize = 64 << 10
	// contentStart leaves the first byte to the lock: where locks are mandatory, what is locked can't be read or
	// written through another handle.
	contentStart = 1
)

var (
	errBusy  = errors.New("locked by another process")
	errNewer = errors.New("written by a newer version of the provider")
)

// lease is a place as other processes see it. Times are nanoseconds of the wall clock since 1970.
type lease struct {
	Holder string `json:"holder"`
	Taken  int64  `json:"taken"`
	Until  int64  `json:"until"`
}

// header is the first line of the file; the second is the leases. What follows was left over by a killed process.
type header struct {
	Version  int    `json:"version"`
	Checksum uint32 `json:"crc32"`
}

type sharedFile struct {
	dir, name string
	tryLock   func(*flock.Flock) (bool, error) // but for tests, what its name says
}

func (f *sharedFile) path() string { return filepath.Join(f.dir, f.name) }

type lockedFile struct {
	*os.File
	flock *flock.Flock
}

// lock opens the file, makes it if it isn't there, and locks it; errBusy when another process has the lock. Nothing
// stays open between exchanges, so that a file that was removed is simply made again.
func (f *sharedFile) lock() (*lockedFile, error) {
	file, err := f.open()
	if err != nil {
		return nil, err
	}
	lock := flock.New(f.path(), flock.SetFlag(os.O_RDWR))
	ok, err := f.tryLock(lock)
	if ok && sameFile(file, lock) {
		return &lockedFile{file, lock}, nil
	}
	_ = errors.Join(lock.Close(), file.Close())
	if err == nil || errors.Is(err, fs.ErrNotExist) { // removed or exchanged between the two opens
		err = errBusy
	}
	return nil, fmt.Errorf("lock %s: %w", lock.Path(), err)
}

// open trusts nothing that another user could have put in place. It goes through the opened folder: once that is
// known to be private, what it holds can't be exchanged between look and use.
func (f *sharedFile) open() (*os.File, error) {
	if !filepath.IsAbs(f.dir) {
		return nil, fmt.Errorf("folder %q: not an absolute path, as when no home directory is known", f.dir)
	}
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return nil, err
	}
	if info, err := os.Lstat(f.dir); err != nil || !info.IsDir() {
		return nil, errors.Join(fmt.Errorf("%s: not a folder", f.dir), err)
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

func sameFile(file *os.File, lock *flock.Flock) bool {
	a, errA := file.Stat()
	b, errB := lock.Stat()
	return errA == nil && errB == nil && os.SameFile(a, b)
}

func (f *lockedFile) unlock() {
	_ = f.flock.Close() // closing the file frees the lock in any case
	_ = f.Close()
}

// read returns the leases that run at wall and aren't the reader's own.
func (f *lockedFile) read(wall int64, reader string) ([]lease, error) {
	content, err := io.ReadAll(io.NewSectionReader(f, contentStart, maxSize))
	if err != nil {
		return nil, err
	}
	leases, err := decode(content, wall)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	return slices.DeleteFunc(leases, func(l lease) bool { return l.Holder == reader }), nil
}

// write overwrites in place: a full disk refuses a new file, but not a change of an old one, and a process killed here
// leaves nothing behind but the end of a longer list.
func (f *lockedFile) write(leases []lease) error {
	content, err := encode(leases)
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(content, contentStart); err != nil {
		return err
	}
	return f.Truncate(int64(contentStart + len(content)))
}

func encode(leases []lease) ([]byte, error) {
	body, err := json.Marshal(leases)
	if err != nil {
		return nil, err
	}
	head, err := json.Marshal(header{Version: version, Checksum: crc32.ChecksumIEEE(body)})
	if err != nil {
		return nil, err
	}
	return slices.Concat(head, []byte("\n"), body, []byte("\n")), nil
}

// decode returns the leases in content that run at wall. Content that was damaged or cut short has none: their holders
// write them again at their next exchange.
func decode(content []byte, wall int64) ([]lease, error) {
	head, rest, _ := bytes.Cut(content, []byte("\n"))
	body, _, _ := bytes.Cut(rest, []byte("\n"))
	var h header
	_ = json.Unmarshal(head, &h) // what isn't a header has no version
	if h.Version > version {
		return nil, errNewer
	}
	var leases []lease
	if h.Version == version && h.Checksum == crc32.ChecksumIEEE(body) && json.Unmarshal(body, &leases) == nil {
		return running(leases, wall), nil
	}
	return nil, nil
}

// running drops what is over, and what no holder would write.
func running(leases []lease, wall int64) []lease {
	leases = slices.DeleteFunc(leases, func(l lease) bool {
		length := l.Until - l.Taken
		return l.Until < wall || length < 0 || length > int64(maxHold+window)
	})
	for i, l := range leases {
		// Taken by a clock that was ahead, or has been set back since: it runs from when it is first seen, at
		// full length.
		if ahead := l.Taken - wall; ahead > 0 {
			leases[i].Taken -= ahead
			leases[i].Until -= ahead
		}
	}
	return leases
}
