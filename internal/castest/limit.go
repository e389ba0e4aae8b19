package castest

import (
	"slices"
	"time"
)

// window holds the arrivals of the last second. It is half open: a call one second after another is no longer in the
// same window.
type window struct{ arrivals []time.Time }

// admit reports whether a call at now keeps every window within limit. A call that isn't admitted doesn't count.
func (w *window) admit(now time.Time, limit int) bool {
	w.arrivals = slices.DeleteFunc(w.arrivals, func(t time.Time) bool { return now.Sub(t) >= time.Second })
	if len(w.arrivals) >= limit {
		return false
	}
	w.arrivals = append(w.arrivals, now)
	return true
}

// maxInAnySecond returns the largest number of arrivals in any half-open window of one second.
func maxInAnySecond(arrivals []time.Time) int {
	arrivals = slices.SortedFunc(slices.Values(arrivals), time.Time.Compare)
	maximum, first := 0, 0
	for last, t := range arrivals {
		for t.Sub(arrivals[first]) >= time.Second {
			first++
		}
		maximum = max(maximum, last-first+1)
	}
	return maximum
}
