//go:build unix

package userfile

import (
	"os"
	"syscall"
)

// keepOwner gives a file the owner of the file at path. Only a superuser may give it to another
// user.
func keepOwner(path string, file *os.File) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(owner.Uid) == os.Geteuid() {
		return nil
	}
	return file.Chown(int(owner.Uid), int(owner.Gid))
}
