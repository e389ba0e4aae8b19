package credential

import "time"

// Credentials sign requests.
type Credentials struct {
	AccessKeyID     string
	AccessKeySecret string
	SecurityToken   string

	// Expiration is zero where the source doesn't say.
	Expiration time.Time

	source  string // which source they came from, where that isn't known beforehand
	account string // what stands for the account in every run, where something does
	given   bool   // they were configured as they are, not issued
}

// String is for those who print credentials by mistake.
func (c Credentials) String() string { return Shorten(c.AccessKeyID) }

// GoString does for %#v what String does for %v.
func (c Credentials) GoString() string { return c.String() }
