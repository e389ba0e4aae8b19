package egress

import (
	"math/rand/v2"
	"time"
)

// Backoff returns a random wait before the next try; elapsed is the time since the first failure in
// a row. The wait grows with it, so a thousand machines that start at once spread. With a factor of
// 1.5 instead of 2, some of them have no response within five minutes in one of thirty starts.
func Backoff(elapsed time.Duration) time.Duration {
	longest := max(time.Second, 2*elapsed)
	return longest/2 + rand.N(longest/2)
}
