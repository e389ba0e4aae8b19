//go:build unix

package credential

import (
	"os"
	"syscall"
)

func inUse(error) bool { return false }

// copyPermissions gives the file at to the owner, the group and the mode of the file at from. If this user may not give it
// to that group, the group gets no access.
func copyPermissions(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	mode := info.Mode().Perm()
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		uid, gid := int(stat.Uid), int(stat.Gid)
		if os.Chown(to, uid, gid) != nil && os.Chown(to, -1, gid) != nil {
			mode &^= 0o070
		}
	}
	return os.Chmod(to, mode)
}
