package quota

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/flock"
)

const badFilePlaces = 3

// badFile tells whether processes that find the file, or the folder, as prepare left it can share their places.
type badFile struct {
	prepare func(t *testing.T, f *sharedFile)
	reason  string // why they can't; empty if they can
}

// run opens two quotas, as two processes would: neither ever exceeds its own bound, together they keep to it when they
// share, and when they can't each says so once.
func (test badFile) run(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache", "terraform-provider-cas")
	var logs [2]bytes.Buffer
	var quotas [2]*Quota
	for i := range quotas {
		quotas[i] = open(dir, badFilePlaces)
		quotas[i].logger = slog.New(slog.NewTextHandler(&logs[i], nil))
	}
	test.prepare(t, quotas[0].file)
	quotas[1].file = quotas[0].file
	want := [2]int{badFilePlaces, 0}
	if test.reason != "" {
		want[1] = badFilePlaces
	}
	for i, q := range quotas {
		for range 2 {
			got, _ := takeAll(q)
			if len(got) != want[i] {
				t.Errorf("process %d: got %d places, want %d", i, len(got), want[i])
			}
			want[i] = 0
			for _, place := range got {
				place.Release()
			}
		}
		log := logs[i].String()
		if test.reason == "" && log != "" {
			t.Errorf("process %d: warned though it shares: %s", i, log)
		}
		if test.reason != "" && (strings.Count(log, "level=WARN") != 1 || !strings.Contains(log, test.reason)) {
			t.Errorf("process %d: want one warning because of %q, got %s", i, test.reason, log)
		}
	}
}

// write puts the lines into the file, after the byte that belongs to the lock.
func write(t *testing.T, path string, lines ...string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("\x00"+strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
}

// checked puts a header with the right checksum before the body.
func checked(body string) string {
	return fmt.Sprintf(`{"version":1,"crc32":%d}`, crc32.ChecksumIEEE([]byte(body))) + "\n" + body + "\n"
}

// list is leases enough to leave no place free, if they count.
func list(taken, until int64, space string) string {
	one := fmt.Sprintf(`{"holder":"X","taken":%d,"until":%d}`, taken, until)
	return "[" + space + strings.Join(slices.Repeat([]string{one}, badFilePlaces), ",") + "]"
}

func content(lines ...string) func(*testing.T, *sharedFile) {
	return func(t *testing.T, f *sharedFile) { write(t, f.path(), lines...) }
}

func TestBadFile(t *testing.T) {
	t.Parallel()
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano() // when virtual time begins
	full := func(taken, until int64) string { return checked(list(taken, until, "")) }
	const second = int64(time.Second)

	for name, test := range map[string]badFile{
		"none":               {prepare: func(*testing.T, *sharedFile) {}},
		"empty":              {prepare: content("")},
		"garbage":            {prepare: content("\xff\xfe\x00garbage")},
		"other JSON":         {prepare: content(`["version"]`, `{}`)},
		"no leases":          {prepare: content(checked(`null`))},
		"leases of no kind":  {prepare: content(checked(`[17]`))},
		"deep":               {prepare: content(checked(strings.Repeat("[", 20000)))},
		"truncated":          {prepare: content(full(now, now+9*second)[:100])},
		"damaged":            {prepare: content(strings.Replace(full(now, now+9*second), "X", "Y", 1))},
		"large":              {prepare: content(strings.Repeat("[", 10*maxSize))},
		"too large":          {prepare: content(checked(list(now, now+9*second, strings.Repeat(" ", maxSize))))},
		"of no version":      {prepare: content(strings.Replace(full(now, now+9*second), `"version":1`, `"version":0`, 1))},
		"expired":            {prepare: content(full(now-9*second, now-second))},
		"implausibly long":   {prepare: content(full(now-second, now+2*int64(time.Hour)))},
		"ends before it was": {prepare: content(full(now+9*second, now+second))},
		"a killed process' rest": {prepare: func(t *testing.T, f *sharedFile) {
			write(t, f.path(), checked(`[]`), full(now, now+9*second))
		}},
		"read by others": {prepare: func(t *testing.T, f *sharedFile) {
			write(t, f.path(), "")
			chmod(t, f.path(), 0o644)
			chmod(t, f.dir, 0o755)
		}},

		"newer":          {prepare: content(`{"version":2,"more":true}`), reason: "newer version"},
		"newer, no JSON": {prepare: content(`{"version":2}`, "\xff"), reason: "newer version"},
		"relative":       {prepare: func(_ *testing.T, f *sharedFile) { f.dir = "cache" }, reason: "not an absolute path"},
		"a folder in its place": {prepare: func(t *testing.T, f *sharedFile) {
			if err := os.MkdirAll(f.path(), 0o700); err != nil {
				t.Fatal(err)
			}
		}, reason: "not a regular file"},
		"a file in the folder's place":        {prepare: func(t *testing.T, f *sharedFile) { write(t, f.dir) }, reason: "terraform-provider-cas"},
		"a file in the parent folder's place": {prepare: func(t *testing.T, f *sharedFile) { write(t, filepath.Dir(f.dir)) }, reason: "cache"},
		"can't lock": {prepare: func(_ *testing.T, f *sharedFile) {
			f.tryLock = func(*flock.Flock) (bool, error) { return false, syscall.ENOLCK }
		}, reason: syscall.ENOLCK.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, test.run)
		})
	}
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func TestNewerFileIsLeftAlone(t *testing.T) {
	t.Parallel()
	q := open(t.TempDir(), 3)
	write(t, q.file.path(), `{"version":2}`, "what only the newer version knows")
	before, _ := os.ReadFile(q.file.path())
	places, _ := takeAll(q)
	places[0].Release()
	if after, err := os.ReadFile(q.file.path()); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the file now holds %q (%v), want %q", after, err, before)
	}
}

// A file that was removed takes nothing from the process that goes on.
func TestFileRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	q, other := open(dir, 3), open(dir, 3)
	takeAll(q)
	if err := os.Remove(q.file.path()); err != nil {
		t.Fatal(err)
	}
	if got, _ := takeAll(q); len(got) != 0 {
		t.Errorf("got %d places more", len(got))
	}
	if got, _ := takeAll(other); len(got) != 0 {
		t.Errorf("the other process got %d places, want 0: the first has put its own back", len(got))
	}
}

func TestFileSaysNothingAboutIdentity(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	takeAll(Open(Config{Dir: dir, Name: "cas.aliyuncs.com LTAI5tSecretive", Places: 3}))
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Fatalf("got %v, %v; want one file", entries, err)
	}
	text, err := os.ReadFile(filepath.Join(dir, entries[0].Name()))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"cas", "LTAI"} {
		if strings.Contains(entries[0].Name()+string(text), part) {
			t.Errorf("%s holds %q:\n%s", entries[0].Name(), part, text)
		}
	}
}

// Nothing that is over stays in the file, and so it doesn't grow.
func TestFileIsPruned(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	past := open(dir, 100)
	past.wall = func(t time.Time) int64 { return t.UnixNano() - int64(time.Hour) }
	takeAll(past)
	q := open(dir, 1)
	if place, _ := q.takeFor(hold); place == nil {
		t.Fatal("got no place")
	}
	text, err := os.ReadFile(q.file.path())
	if err != nil || bytes.Count(text, []byte("holder")) != 1 || bytes.Count(text, []byte("\n")) != 2 {
		t.Errorf("want one lease only, got %v\n%s", err, text)
	}
}

func FuzzDecode(f *testing.F) {
	const wall = 1_700_000_000_000_000_000
	f.Fuzz(func(t *testing.T, data []byte, rightChecksum bool) {
		if rightChecksum {
			data = []byte(checked(string(data)))
		}
		leases, err := decode(data, wall)
		if err != nil && leases != nil {
			t.Errorf("leases %v and an error: %v", leases, err)
		}
		for _, l := range leases {
			if l.Taken > wall || l.Until < wall || l.Until-l.Taken > int64(maxHold+window) || l.Until-wall > int64(maxHold+window) {
				t.Errorf("at %d: implausible lease %+v", wall, l)
			}
		}
		again, err := encode(leases)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := decode(again, wall); err != nil || len(got)+len(leases) > 0 && !reflect.DeepEqual(got, leases) {
			t.Errorf("written and read again: %v, %v; want %v", got, err, leases)
		}
	})
}
