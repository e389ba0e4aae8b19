//go:build !windows

package credential

import "os"

func inUse(error) bool { return false }

// copyPermissions gives the file at to the mode of the file at from.
func copyPermissions(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	return os.Chmod(to, info.Mode())
}
