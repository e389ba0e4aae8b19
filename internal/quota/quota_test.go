package quota

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/flock"
)

const hold = 10 * time.Second

func open(dir string, places int) *Quota {
	return Open(Config{Dir: dir, Name: "cas.aliyuncs.com 1234567890", Places: places})
}

// takeAll takes places until none is free, and returns them with the time until the next look.
func takeAll(q *Quota) (places []*Place, wait time.Duration) {
	for {
		place, again := q.takeFor(hold)
		if place == nil {
			return places, time.Until(again)
		}
		places = append(places, place)
	}
}

// await takes a place as soon as there is one.
func await(q *Quota, hold time.Duration) *Place {
	for {
		place, again := q.takeFor(hold)
		if place != nil {
			return place
		}
		<-time.After(time.Until(again))
	}
}

func TestTake(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{"memory": "", "file": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q := open(dir, 3)
				places, wait := takeAll(q)
				if len(places) != 3 || wait != time.Second {
					t.Fatalf("got %d places, look again in %v; want 3, look again in 1s", len(places), wait)
				}

				<-time.After(700 * time.Millisecond)
				places[0].Release()
				if _, wait := takeAll(q); wait != time.Second {
					t.Errorf("look again %v after the release, want 1s", wait)
				}
				<-time.After(time.Second)
				if place, again := q.takeFor(hold); place != nil || time.Until(again) != 1 {
					t.Errorf("a second after the release: place %v, look again in %v; want none yet, 1ns", place, time.Until(again))
				}
				<-time.After(1)
				if places, _ := takeAll(q); len(places) != 1 {
					t.Errorf("just over a second after the release: got %d places, want 1", len(places))
				}
			})
		})
	}
}

func TestTakeAfterHold(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ hold, free time.Duration }{
		"seconds":      {hold: 10 * time.Second, free: 11 * time.Second},
		"negative":     {hold: -time.Hour, free: time.Second},
		"over an hour": {hold: 1 << 62, free: time.Hour + time.Second},
	} {
		dir := t.TempDir()
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				killed, other := open(dir, 1), open(dir, 1)
				if place, _ := killed.takeFor(test.hold); place == nil {
					t.Fatal("no place to begin with")
				}
				start := time.Now()
				await(other, hold)
				if got := time.Since(start); got != test.free+1 {
					t.Errorf("the killed holder's place was free after %v, want just over %v", got, test.free)
				}
			})
		})
	}
}

func TestReleaseReachesOthers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		a, b := open(dir, 2), open(dir, 2)
		places, _ := takeAll(a)
		if got, _ := takeAll(b); len(places) != 2 || len(got) != 0 {
			t.Fatalf("got %d and %d places, want 2 and 0", len(places), len(got))
		}
		<-time.After(3 * time.Second)
		places[1].Release()
		start := time.Now()
		await(b, hold)
		if got := time.Since(start); got != time.Second+1 {
			t.Errorf("the place was free %v after its release, want just over 1s", got)
		}
	})
}

func TestReleaseTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := open("", 1)
		place := await(q, hold)
		place.Release()
		<-time.After(time.Second + 1)
		place.Release()
		if next, _ := q.takeFor(hold); next == nil {
			t.Error("the second release took the place again")
		}
	})
}

// A holder that is late has been counted out, but its call may have arrived only now.
func TestReleaseAfterHold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := open("", 1)
		late := await(q, 0)
		<-time.After(5 * time.Second)
		q.takeFor(0)
		<-time.After(5 * time.Second)
		late.Release()
		start := time.Now()
		await(q, hold)
		if got := time.Since(start); got != time.Second+1 {
			t.Errorf("the place was free %v after the late release, want just over 1s", got)
		}
	})
}

func TestPlacesDiffer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	few, many := open(dir, 2), open(dir, 5)
	for i, test := range []struct {
		quota *Quota
		want  int
	}{{few, 2}, {many, 3}, {few, 0}} {
		if got, _ := takeAll(test.quota); len(got) != test.want {
			t.Errorf("step %d: got %d places, want %d", i, len(got), test.want)
		}
	}
}

func TestPlacesAtLeastOne(t *testing.T) {
	t.Parallel()
	if got, _ := takeAll(open("", -1)); len(got) != 1 {
		t.Errorf("got %d places, want 1", len(got))
	}
}

func TestNamesDiffer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i := range 3 {
		q := Open(Config{Dir: dir, Name: fmt.Sprint("account ", i), Places: 2})
		if got, _ := takeAll(q); len(got) != 2 {
			t.Errorf("account %d: got %d places, want 2", i, len(got))
		}
	}
}

// A step of the wall clock lengthens nobody's wait beyond the hold; ahead, it ends the places of killed holders early.
func TestClockSteps(t *testing.T) {
	t.Parallel()
	const year = 365 * 24 * time.Hour
	for name, test := range map[string]struct{ step, free time.Duration }{
		"none":         {step: 0, free: hold + window + 1},
		"second back":  {step: -time.Second, free: hold + window + 1},
		"hour back":    {step: -time.Hour, free: hold + window + 1},
		"years back":   {step: -50 * year, free: hold + window + 1},
		"second ahead": {step: time.Second, free: hold + 1},
		"hour ahead":   {step: time.Hour, free: 0},
		"years ahead":  {step: 50 * year, free: 0},
	} {
		dir := t.TempDir()
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				alive, killed, other := open(dir, 4), open(dir, 4), open(dir, 4)
				await(killed, hold)
				for range 3 {
					await(alive, hold)
				}
				stepped := func(t time.Time) int64 { return t.Add(test.step).UnixNano() }
				alive.wall, other.wall = stepped, stepped

				start := time.Now()
				await(other, hold)
				if got := time.Since(start); got != test.free {
					t.Errorf("the killed holder's place was free after %v, want %v", got, test.free)
				}
			})
		})
	}
}

func TestClockStepsAlone(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]time.Duration{"back": -time.Hour, "ahead": time.Hour} {
		q := open(t.TempDir(), 4)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			takeAll(q)
			q.wall = func(t time.Time) int64 { return t.Add(step).UnixNano() }
			if got, _ := takeAll(q); len(got) != 0 {
				t.Errorf("got %d places more after the step", len(got))
			}
		})
	}
}

// A process that was stopped in the middle of an exchange holds back nobody.
func TestStoppedWithLock(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		q, other := open(dir, 2), open(dir, 2)
		first := await(q, hold)

		lock := flock.New(q.file.path())
		if ok, err := lock.TryLock(); !ok || err != nil {
			t.Fatal("lock:", ok, err)
		}
		q.takeFor(hold) // by a reader that then gives up: the next begins to wait anew
		<-time.After(3 * lockPatience / 2)
		start := time.Now()
		await(q, hold)
		if got := time.Since(start); got < lockPatience || got > lockPatience+lockRetry {
			t.Errorf("got a place after %v, want it after %v", got, lockPatience)
		}
		<-time.After(3 * lockPatience / 2)
		start = time.Now()
		first.Release()
		if got, _ := takeAll(q); len(got) != 0 || time.Since(start) != 0 {
			t.Errorf("got %d places more after %v, want none at once", len(got), time.Since(start))
		}

		if err := lock.Unlock(); err != nil {
			t.Fatal(err)
		}
		takeAll(q)
		if got, _ := takeAll(other); len(got) != 0 {
			t.Errorf("the other process got %d places, want 0: what was taken alone is shared later", len(got))
		}
	})
}

// A release that can't be written keeps others waiting, until this process takes a place again.
func TestReleaseUnwritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		q, other := open(dir, 2), open(dir, 2)
		places, _ := takeAll(q)
		lock := flock.New(q.file.path())
		if ok, err := lock.TryLock(); !ok || err != nil {
			t.Fatal("lock:", ok, err)
		}
		for _, place := range places {
			place.Release()
		}
		if err := lock.Unlock(); err != nil {
			t.Fatal(err)
		}
		<-time.After(2 * time.Second)
		if got, _ := takeAll(other); len(got) != 0 {
			t.Errorf("the other process got %d places before it could know", len(got))
		}
		await(q, hold)
		if got, _ := takeAll(other); len(got) != 1 {
			t.Errorf("the other process got %d places, want 1", len(got))
		}
	})
}

func BenchmarkTakeRelease(b *testing.B) {
	for name, dir := range map[string]string{"memory": "", "file": b.TempDir()} {
		b.Run(name, func(b *testing.B) {
			takeAll(open(dir, 9)) // what the file holds when it is busy
			q := open(dir, 10)
			for b.Loop() {
				place, _ := q.takeFor(hold)
				place.Release()
				clear(q.own)
			}
		})
	}
}
