package credential

import (
	"context"
	"errors"
)

// accessKey is a key that was configured as it is. The token is empty unless the key is a temporary one.
func accessKey(id, secret, token string) fetcher {
	return fetcher{fetch: func(context.Context) (Credentials, error) {
		if id == "" || secret == "" {
			return Credentials{}, errors.New("there is no access key ID or no access key secret")
		}
		return Credentials{AccessKeyID: id, AccessKeySecret: secret, SecurityToken: token, given: true}, nil
	}}
}
