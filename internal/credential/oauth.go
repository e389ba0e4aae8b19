package credential

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aliyun/credentials-go/credentials/providers"
	"github.com/gofrs/flock"
)

// oauth exchanges the access token of a sign-in. A token that is about to expire is renewed first, with a refresh token that
// works only once. Terraform starts a process for each provider block, so only one of them may renew at a time, and the next
// one uses what the first wrote into the CLI's file.
func (f cliFile) oauth(p profile) fetcher {
	return fetcher{fetch: func(ctx context.Context) (Credentials, error) {
		if p.renews() {
			unfinished.RLock()
			defer unfinished.RUnlock()
			defer f.lock(ctx)()
			if now, err := readCLIFile(f.cfg, readFile); err == nil {
				if again := now.find(p.Name); again != nil {
					p = *again
				}
			}
		}
		return f.exchange(ctx, p)
	}}
}

// renews reports whether the library will use up the refresh token.
func (p profile) renews() bool {
	const ahead = 20 * 60 // seconds, as in the library
	return p.OAuthRefreshToken != "" && (p.OAuthAccessToken == "" || p.OAuthAccessTokenExpire-time.Now().Unix() <= ahead)
}

// lock locks the CLI's file. It waits for other processes, but not for good, as one of them may hang. Where the file can't
// be locked it goes on without.
func (f cliFile) lock(ctx context.Context) (unlock func()) {
	const limit, pause = 2*requestTimeout + 5*time.Second, 50 * time.Millisecond // the one that has it makes two requests
	path, err := filepath.EvalSymlinks(f.path)
	if err != nil {
		path = f.path
	}
	wait, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	lock := flock.New(path + ".lock")
	if locked, err := lock.TryLockContext(wait, pause); !locked {
		f.cfg.Logger.DebugContext(ctx, "The CLI's file can't be locked", "error", err)
	}
	return func() { _ = lock.Unlock() }
}

func (f cliFile) exchange(ctx context.Context, p profile) (Credentials, error) {
	provider, err := p.oauthProvider()
	if err != nil {
		return Credentials{}, err
	}
	c, err := ask(provider, p.OAuthRefreshToken, p.OAuthAccessToken)
	f.keepTokens(ctx, p, provider)
	if e, ok := errors.AsType[*Error](err); ok && e.Code == "invalid_grant" { // RFC 6749, section 5.2: about the refresh token
		e.Kind, e.Err = Login, fmt.Errorf("the sign-in of profile %s can't be renewed: %w", p.Name, e.Err)
	}
	return c, p.suggestLogin(err)
}

// keepTokens writes new tokens into the CLI's file: the old refresh token is used up. The library would hand them over
// only where the exchange worked as well, but keeps them in fields that aren't exported.
func (f cliFile) keepTokens(ctx context.Context, p profile, provider *providers.OAuthCredentialsProvider) {
	refresh, access := unexported(provider, "refreshToken").String(), unexported(provider, "accessToken").String()
	if refresh == p.OAuthRefreshToken && access == p.OAuthAccessToken {
		return
	}
	err := writeTokens(f.path, p.Name, map[string]any{
		"oauth_refresh_token": refresh, "oauth_access_token": access,
		"oauth_access_token_expire": unexported(provider, "accessTokenExpire").Int(),
	})
	if err != nil {
		f.cfg.Logger.WarnContext(ctx, "New OAuth tokens can't be saved: the next run needs a new sign-in",
			"profile", p.Name, "command", p.configure(), "error", err)
	}
}

func (p profile) oauthProvider() (*providers.OAuthCredentialsProvider, error) {
	site, ok := map[string]struct{ url, client string }{
		"CN":   {"https://oauth.aliyun.com", "4038181954557748008"},
		"INTL": {"https://oauth.alibabacloud.com", "4103531455503354461"},
	}[strings.ToUpper(p.OAuthSite)]
	if !ok {
		return nil, &Error{Kind: Invalid, Command: p.configure(), Err: fmt.Errorf("oauth_site_type is %q, not CN or INTL", typeName(p.OAuthSite))}
	}
	if p.OAuthRefreshToken == "" && (p.OAuthAccessToken == "" || p.OAuthAccessTokenExpire <= time.Now().Unix()) {
		return nil, p.signInNeeded()
	}
	options := timeouts
	return providers.NewOAuthCredentialsProviderBuilder().
		WithSignInUrl(site.url).
		WithClientId(site.client).
		WithRefreshToken(p.OAuthRefreshToken).
		WithAccessToken(p.OAuthAccessToken).
		WithAccessTokenExpire(p.OAuthAccessTokenExpire).
		WithHttpOptions(&options).
		Build()
}

// writeTokens puts new OAuth tokens into the CLI's file and leaves everything else as it is.
func writeTokens(path, name string, tokens map[string]any) error {
	content, err := readFile(path)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber()
	var file map[string]any
	if err := decoder.Decode(&file); err != nil {
		return fmt.Errorf("update %s: %w", path, err)
	}
	list, _ := file["profiles"].([]any)
	at := slices.IndexFunc(list, func(entry any) bool {
		p, _ := entry.(map[string]any)
		return p["name"] == name
	})
	if at < 0 {
		return fmt.Errorf("update %s: it has no profile %s any more", path, name)
	}
	maps.Copy(list[at].(map[string]any), tokens) //nolint:forcetypeassert // as it has a name
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "\t")
	if err := encoder.Encode(file); err != nil {
		return err
	}
	return replaceFile(path, out.Bytes())
}
