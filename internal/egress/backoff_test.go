package egress

import (
	"testing"
	"time"
)

func TestBackoff(t *testing.T) {
	t.Parallel()
	for elapsed, longest := range map[time.Duration]time.Duration{
		0:                time.Second,
		time.Second / 2:  time.Second,
		4 * time.Second:  8 * time.Second,
		10 * time.Minute: 20 * time.Minute,
	} {
		shortest, seen := longest/2, map[bool]bool{}
		for range 1000 {
			wait := Backoff(elapsed)
			if wait < shortest || wait >= longest {
				t.Fatalf("%s after the first failure: got %s, want %s to %s", elapsed, wait, shortest, longest)
			}
			seen[wait < (shortest+longest)/2] = true
		}
		if len(seen) != 2 {
			t.Errorf("%s after the first failure: got waits in one half of %s to %s, want them in both", elapsed, shortest, longest)
		}
	}
}
