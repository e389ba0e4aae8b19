//go:build unix

package quota

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

const (
	clockTick = 1                                       // clocks advance by the nanosecond
	openFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK // follow no link, and don't wait for the other end of a FIFO
	errLocked = syscall.EWOULDBLOCK
)

// tryLock locks a file until it is closed. gofrs/flock would open it, and leave no time for checks.
func tryLock(file *os.File) error {
	var err error = syscall.EINTR
	for errors.Is(err, syscall.EINTR) {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	return os.NewSyscallError("lock "+file.Name(), err)
}

// private refuses a directory in which another user could put something.
func private(dir string) error {
	info, err := os.Lstat(dir)
	//nolint:forcetypeassert // it is one on every Unix
	if err == nil && (!info.IsDir() || int(info.Sys().(*syscall.Stat_t).Uid) != os.Geteuid() || info.Mode()&0o022 != 0) {
		err = fmt.Errorf("%w: %s isn't this user's alone; remove it if it is another user's, as after sudo",
			os.ErrPermission, dir)
	}
	return err
}
