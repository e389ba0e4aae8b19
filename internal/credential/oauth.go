package credential

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// oauthSites are where the CLI signs in, and as which client.
var oauthSites = map[string]struct{ host, client string }{
	"CN":   {"oauth.aliyun.com", "4038181954557748008"},
	"INTL": {"oauth.alibabacloud.com", "4103531455503354461"},
}

// oauth exchanges the access token of a sign-in. A token that is about to expire is renewed first.
func (f cliFile) oauth(ctx context.Context, p profile) (Credentials, error) {
	site, ok := oauthSites[strings.ToUpper(p.OAuthSite)]
	if !ok {
		return Credentials{}, fmt.Errorf("oauth_site_type is %q, not CN or INTL", typeName(p.OAuthSite))
	}
	switch {
	case p.renews():
		if err := f.renew(ctx, &p, site.host, site.client); err != nil {
			return Credentials{}, err
		}
	case expires(p.OAuthAccessToken, p.OAuthAccessTokenExpire, 0):
		return Credentials{}, p.signInNeeded()
	}
	if p.OAuthAccessToken == "" { // somebody has signed out since the file was read
		return Credentials{}, p.signInNeeded()
	}
	return exchange(ctx, &url.URL{Scheme: "https", Host: site.host, Path: "/v1/exchange"}, p.OAuthAccessToken, "")
}

func (p profile) renews() bool {
	return p.OAuthRefreshToken != "" && expires(p.OAuthAccessToken, p.OAuthAccessTokenExpire, 20*time.Minute)
}

// renew renews a sign-in, and writes its new tokens into the CLI's file. The refresh token works only once, and Terraform starts a
// process for each provider block: so only one of them may renew at a time, and the next one uses what the first wrote.
func (f cliFile) renew(ctx context.Context, p *profile, host, client string) error {
	defer f.lock(ctx)()
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx) // what is requested has to be saved
	if now, err := f.from.read(); err == nil && now.find(p.Name) != nil {
		*p = *now.find(p.Name)
	}
	if !p.renews() {
		return nil
	}
	req := formRequest(ctx, &url.URL{Scheme: "https", Host: host, Path: "/v1/token"}, url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {p.OAuthRefreshToken}, "client_id": {client},
		"Timestamp": {time.Now().UTC().Format(time.RFC3339)},
	})
	resp, err := send(req, requestTimeout, p.OAuthRefreshToken)
	if err != nil {
		e := asError(err)
		if e.Code == "invalid_grant" { // RFC 6749, section 5.2: about the refresh token
			e.Kind, e.Err = Login, fmt.Errorf("the sign-in of profile %s can't be renewed: %w", p.Name, e.Err)
		}
		return e
	}
	var issued struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		Seconds int64  `json:"expires_in"`
	}
	if json.Unmarshal(resp.Body, &issued) != nil || issued.Access == "" || issued.Refresh == "" {
		return malformed("its response has no new tokens")
	}
	p.OAuthAccessToken, p.OAuthRefreshToken = issued.Access, issued.Refresh
	p.OAuthAccessTokenExpire = time.Now().Unix() + issued.Seconds
	if err := f.saveTokens(p); err != nil {
		f.env.logger.WarnContext(ctx, "New OAuth tokens can't be saved: the next run needs a new sign-in",
			"profile", p.Name, "command", p.configure(), "error", err)
	}
	return nil
}

// lock locks the CLI's file. It waits for other processes, but not for good, as one of them may hang. If the file can't
// be locked it goes on without.
func (f cliFile) lock(ctx context.Context) (unlock func()) {
	const limit, pause = requestTimeout + 5*time.Second, 50 * time.Millisecond // the one that has it makes a request
	wait, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	target, _ := filepath.EvalSymlinks(f.path) // others may come by another path
	lock := flock.New(cmp.Or(target, f.path) + ".lock")
	if _, err := lock.TryLockContext(wait, pause); err != nil {
		f.env.logger.DebugContext(ctx, "The CLI's file can't be locked", "error", err)
	}
	return func() { _ = lock.Unlock() }
}

// saveTokens puts new OAuth tokens into the CLI's file and leaves everything else as it is.
func (f cliFile) saveTokens(p *profile) error {
	content, err := readFile(f.path)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber()
	var file map[string]any
	if err := decoder.Decode(&file); err != nil {
		return fmt.Errorf("update %s: %w", f.path, err)
	}
	list, _ := file["profiles"].([]any)
	at := slices.IndexFunc(list, func(entry any) bool {
		fields, _ := entry.(map[string]any)
		return fields["name"] == p.Name
	})
	if at < 0 {
		return fmt.Errorf("update %s: it has no profile %s any more", f.path, p.Name)
	}
	maps.Copy(list[at].(map[string]any), map[string]any{ //nolint:forcetypeassert // as it has a name
		"oauth_refresh_token": p.OAuthRefreshToken, "oauth_access_token": p.OAuthAccessToken,
		"oauth_access_token_expire": p.OAuthAccessTokenExpire,
	})
	if content, err = json.MarshalIndent(file, "", "\t"); err != nil {
		return err
	}
	return replaceFile(f.path, append(content, '\n'))
}
