//go:build unix

package quota

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// clockTick is how far a clock may lag behind, since it advances in ticks: not at all here.
const clockTick = 0

// private says why somebody else could change what info describes.
func private(info fs.FileInfo) error {
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || int(stat.Uid) != os.Geteuid() {
		return errors.New("owned by another user")
	}
	if info.Mode().Perm()&0o022 != 0 {
		return errors.New("writable by other users")
	}
	return nil
}
