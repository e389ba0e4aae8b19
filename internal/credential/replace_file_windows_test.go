package credential

import (
	"os"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/windows"
)

// A file that another process reads is replaced as soon as it is closed.
func TestReplaceFileInUse(t *testing.T) {
	t.Parallel()
	path := file(t, "config.json", "old")
	synctest.Test(t, func(t *testing.T) {
		reader, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Second, func() { _ = reader.Close() })
		if err := replaceFile(path, []byte("new")); err != nil {
			t.Error(err)
		}
	})
	holds(t, path, "new")
}

// A file that another process never closes stays as it is.
func TestReplaceFileInUseForGood(t *testing.T) {
	t.Parallel()
	path := file(t, "config.json", "old")
	synctest.Test(t, func(t *testing.T) {
		reader, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := replaceFile(path, []byte("new")); !inUse(err) {
			t.Errorf("got %v, want an error of a file in use", err)
		}
		if err := reader.Close(); err != nil {
			t.Error(err)
		}
	})
	holds(t, path, "old")
}

// A file that another process has to itself is read as soon as it is closed.
func TestReadFileInUse(t *testing.T) {
	t.Parallel()
	path := file(t, "config.json", "content")
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		writer, err := windows.CreateFile(name, windows.GENERIC_WRITE, 0, nil, windows.OPEN_EXISTING, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Second, func() { _ = windows.CloseHandle(writer) })
		got, err := readFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != "content" {
			t.Errorf("got %q, want %q", got, "content")
		}
	})
}

func TestReplaceFileKeepsTheAccessList(t *testing.T) {
	t.Parallel()
	descriptor, err := windows.SecurityDescriptorFromString("D:(A;;FA;;;WD)") // everybody has full access
	if err != nil {
		t.Fatal(err)
	}
	list, _, err := descriptor.DACL()
	if err != nil {
		t.Fatal(err)
	}
	for name, what := range map[string]windows.SECURITY_INFORMATION{
		"own":       windows.DACL_SECURITY_INFORMATION | windows.PROTECTED_DACL_SECURITY_INFORMATION,
		"inherited": windows.DACL_SECURITY_INFORMATION | windows.UNPROTECTED_DACL_SECURITY_INFORMATION,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := file(t, "config.json", "old")
			before := accessList(t, path)
			if err := windows.SetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, what, nil, nil, list, nil); err != nil {
				t.Fatal(err)
			}
			want := accessList(t, path)
			if want == before {
				t.Fatalf("got the access list of any file, %s, want another", want)
			}
			if err := replaceFile(path, []byte("new")); err != nil {
				t.Fatal(err)
			}
			if got := accessList(t, path); got != want {
				t.Errorf("got access list %s, want %s", got, want)
			}
			holds(t, path, "new")
		})
	}
}

func accessList(t *testing.T, path string) string {
	t.Helper()
	descriptor, err := windows.GetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		t.Fatal(err)
	}
	return descriptor.String()
}
