// Package quota bounds how many calls of one user on one machine reach a service in any one second.
// A call holds a place from before it is sent until its response has arrived, and the place is free
// a second later. The service receives the call before it responds, and the next call of that place
// after that call is sent. So two calls of a place arrive more than a second apart, whatever the
// network does. A place is a file that a call locks, and that holds the time of its last use. The
// system unlocks the files of a process that ends, however it ends.
package quota

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	window      = time.Second + clockTick    // how long a place isn't free after its last use
	poll        = 50 * time.Millisecond      // the maximum time to the next try while other processes hold all places
	held        = 1<<63 - 1                  // marks a place that this process holds
	tick, ticks = 100 * time.Millisecond, 20 // how long files may take; a stopped process loses only one tick
)

// Quota hands out places. It is safe for concurrent use.
type Quota struct {
	path   string // of the files, up to the number of the place; it includes the version of their format
	logger *slog.Logger
	lock   func(*os.File) error  // tryLock, except in tests
	wall   func(time.Time) int64 // time.Time.UnixNano, except in tests
	warned sync.Once
	opened time.Time
	free   []atomic.Int64 // the time after opened when each place may be free, or held
	turn   chan struct{}  // is full while a goroutine uses files
	notes  atomic.Int32   // the number of releases that aren't noted yet
}

// Place is the right to send one call.
type Place struct {
	quota  *Quota
	number int
	file   *os.File // is locked; nil if no file can be used
}

// Open returns the quota of a name: at most so many calls of this process in any second. It has
// files in a private directory, which is made when needed, and warns once if they can't be used.
func Open(dir, name string, places int, logger *slog.Logger) *Quota {
	return &Quota{
		path:   filepath.Join(dir, fmt.Sprintf("quota-v2-%x-", sha256.Sum256([]byte(name)))),
		logger: logger, lock: tryLock, wall: time.Time.UnixNano,
		opened: time.Now(), free: make([]atomic.Int64, max(places, 1)), turn: make(chan struct{}, 1),
	}
}

// Take returns a place or, if none is free, the time to call it again, at most a second from now.
// It returns within two seconds. Send the call at once, because its time is already noted. Without
// files, it bounds this process alone, to one place at a time if other processes may use them.
func (q *Quota) Take() (*Place, time.Time) {
	place, maximum := Place{}, 0
	turn, taken, gone := q.turn, make(chan struct{}), make(chan struct{})
	defer close(gone)
	for range ticks {
		select {
		case turn <- struct{}{}:
			turn = nil
			go func() {
				place, maximum = q.try()
				<-q.turn
				select {
				case taken <- struct{}{}:
				case <-gone:
					_ = place.file.Close()
				}
			}()
		case <-taken:
			if place.file == nil {
				return q.takeUncounted(maximum)
			}
			q.free[place.number].Store(held)
			return &place, time.Time{}
		case <-time.After(tick):
		}
	}
	q.warn(errors.New("the file system doesn't respond"))
	return q.takeUncounted(1)
}

// takeUncounted is Take without files: at most maximum calls are out, or were within a second.
func (q *Quota) takeUncounted(maximum int) (*Place, time.Time) {
	numbers, again := q.ready()
	if len(q.free)-len(numbers) >= maximum {
		return nil, again
	}
	q.free[numbers[0]].Store(held)
	return &Place{q, numbers[0], nil}, time.Time{}
}

// ready returns the places that may be free, and when to try again if none of them is.
func (q *Quota) ready() (numbers []int, again time.Time) {
	now := int64(time.Since(q.opened))
	next := now + int64(window)
	for number := range q.free {
		if free := q.free[number].Load(); free <= now {
			numbers = append(numbers, number)
		} else if free < next {
			next = free
		}
	}
	if len(numbers) == len(q.free) {
		next = now + rand.Int64N(int64(poll)) //nolint:gosec // keeps no secret
	}
	return numbers, q.opened.Add(time.Duration(next))
}

// Release gives the place back, to be free a second from now. It doesn't wait for the file.
func (p *Place) Release() {
	p.quota.free[p.number].Store(int64(time.Since(p.quota.opened) + window))
	p.quota.notes.Add(1)
	go func() {
		defer p.quota.notes.Add(-1)
		defer p.file.Close()
		if p.file != nil && p.quota.note(p.file) != nil {
			<-time.After(window) // another process would take the place too soon
		}
	}()
}

// Close waits until the releases before it are noted, for a second at most.
func (q *Quota) Close() {
	for end := time.Now().Add(window); q.notes.Load() > 0 && time.Now().Before(end); {
		<-time.After(time.Millisecond)
	}
}

func (q *Quota) warn(err error) {
	q.warned.Do(func() { q.logger.Warn("Files of the quota can't be used, so reads may be slow", "reason", err.Error()) })
}

// try locks the file of a free place, or returns how many calls may be out without one.
func (q *Quota) try() (place Place, maximum int) {
	dir := filepath.Dir(q.path)
	err := fmt.Errorf("%q isn't an absolute path, as where no home directory is known: %w", dir, os.ErrNotExist)
	if filepath.IsAbs(dir) {
		err = cmp.Or(os.MkdirAll(dir, 0o700), private(dir))
	}
	if err != nil {
		q.warn(err)
		for _, refusal := range []error{os.ErrPermission, os.ErrNotExist, syscall.ENOTDIR, syscall.EROFS} {
			if errors.Is(err, refusal) {
				return place, len(q.free) // no process of this user can use the directory
			}
		}
		return place, 1
	}
	numbers, _ := q.ready()
	maximum = min(len(numbers), 1)
	for _, i := range rand.Perm(len(numbers)) { //nolint:gosec // keeps no secret
		free := q.free[numbers[i]].Load()
		file, wait, err := q.claim(numbers[i])
		if err == nil && wait <= 0 {
			return Place{q, numbers[i], file}, 0
		}
		_ = file.Close()
		if err == nil || errors.Is(err, errLocked) {
			wait = min(max(wait, -wait/8), window) // the longer a call is out, the less often its file is read
			q.free[numbers[i]].CompareAndSwap(free, int64(time.Since(q.opened)+wait))
			maximum = 0
		} else {
			q.warn(err)
		}
	}
	return place, maximum
}

// claim locks the file of a free place and notes the time in it. It returns what wait does.
func (q *Quota) claim(number int) (file *os.File, wait time.Duration, err error) {
	file, err = os.OpenFile(fmt.Sprint(q.path, number), os.O_RDWR|os.O_CREATE|openFlags, 0o600)
	if err == nil {
		wait, err = q.wait(file)
	}
	if err == nil && (wait <= 0 || wait > window) { // only a free place is locked: a lock means that a call is out
		if err = q.lock(file); err == nil {
			wait, err = q.wait(file) // another process may have used the place meanwhile
		}
		if err == nil && (wait <= 0 || wait > window) {
			err = q.note(file)
		}
	}
	return file, wait, err
}

// wait returns how long a place isn't free: up to 0 if it is, above window if the clock went back.
func (q *Quota) wait(file *os.File) (time.Duration, error) {
	if info, err := file.Stat(); err == nil && !info.Mode().IsRegular() {
		return 0, fmt.Errorf("%s: not a regular file", file.Name())
	}
	var used [8]byte
	_, err := file.ReadAt(used[:], 0)
	if errors.Is(err, io.EOF) {
		return 0, nil
	}
	//nolint:gosec // may overflow
	return time.Duration(int64(binary.BigEndian.Uint64(used[:]))-q.wall(time.Now())) + window, err
}

// note writes the time into the file of a place.
func (q *Quota) note(file *os.File) error {
	now := uint64(q.wall(time.Now())) //nolint:gosec // is read back
	_, err := file.WriteAt(binary.BigEndian.AppendUint64(nil, now), 0)
	return err
}
