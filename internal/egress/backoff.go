package egress

import (
	"math/rand/v2"
	"time"
)

// Backoff returns a random wait before the next try; elapsed is the time since the first failure in
// a row. The wait grows with it, so that machines that start at once spread.
func Backoff(elapsed time.Duration) time.Duration {
	longest := max(time.Second, 2*elapsed)
	return longest/2 + rand.N(longest/2)
}
