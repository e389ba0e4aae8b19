package castest

import (
	"slices"
	"time"
)

// MaxWithin returns the largest number of arrivals in any window of d, both of whose ends belong to
// it.
func MaxWithin(d time.Duration, arrivals []time.Time) int {
	arrivals = slices.SortedFunc(slices.Values(arrivals), time.Time.Compare)
	maximum, first := 0, 0
	for last, t := range arrivals {
		for t.Sub(arrivals[first]) > d {
			first++
		}
		maximum = max(maximum, last-first+1)
	}
	return maximum
}
