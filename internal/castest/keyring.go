package castest

import (
	"sync"
	"time"
)

// DefaultKey is the key that a fake knows unless it is given others.
var DefaultKey = Key{AccessKeyID: "LTAI5tCasTestAccessKeyId", AccessKeySecret: "cAsTeStAcCeSsKeYsEcReT00000000"}

// Key is an access key that a fake knows.
type Key struct {
	AccessKeyID     string
	AccessKeySecret string
	SecurityToken   string    // makes the key a temporary one
	Expires         time.Time // of a temporary key; zero is never
}

// keyring holds the keys that a fake knows, and what it accepts once. Its mutex is the fake's.
type keyring struct {
	mu   sync.Mutex
	keys map[string]Key
	used map[string]bool // nonces and refresh tokens
}

func newKeyring(keys ...Key) *keyring {
	k := &keyring{keys: make(map[string]Key), used: make(map[string]bool)}
	for _, key := range keys {
		k.keys[key.AccessKeyID] = key
	}
	return k
}

// AddKey makes the fake know key.
func (k *keyring) AddKey(key Key) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys[key.AccessKeyID] = key
}

// RemoveKey makes the fake forget the key of that access key ID.
func (k *keyring) RemoveKey(id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.keys, id)
}

// checkNonce accepts each nonce once.
func (k *keyring) checkNonce(nonce string) *Error {
	if nonce == "" || k.used[nonce] {
		return refuse(400, "SignatureNonceUsed", "Specified signature nonce was used already.")
	}
	k.used[nonce] = true
	return nil
}
