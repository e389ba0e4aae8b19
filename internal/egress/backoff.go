package egress

import (
	"math/rand/v2"
	"time"
)

// Backoff returns how long to wait before another try, elapsed after the first failure in a row.
//
// The wait grows with the time that the trouble has lasted, whatever the number of failures, and is random: so a thousand
// machines that start at once spread without knowing of one another.
func Backoff(elapsed time.Duration) time.Duration {
	longest := max(time.Second, elapsed+elapsed/2)
	return longest/2 + rand.N(longest/2)
}
