package credential

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // version 1.0 of the signature is made with it
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// stsHost returns where to assume a role with the settings of a profile, which may be empty.
func (cfg Config) stsHost(p profile) (string, error) {
	host := strings.TrimPrefix(strings.TrimPrefix(p.STSEndpoint, "http://"), "https://") // as in the CLI; https is spoken anyway
	host = cmp.Or(cfg.STSEndpoint, strings.TrimRight(host, "/"))
	region := cmp.Or(p.STSRegion, cfg.STSRegion)
	switch {
	case host != "":
	case region == "":
		host = "sts.aliyuncs.com"
	case p.EnableVPC || cfg.STSVPC:
		host = "sts-vpc." + region + ".aliyuncs.com"
	default:
		host = "sts." + region + ".aliyuncs.com"
	}
	u, err := egress.ParseAddress(host, "https")
	if err != nil || u.User != nil {
		return "", &Error{Kind: Invalid, Err: errors.New("the endpoint of STS isn't a host name, with a port where it isn't 443")}
	}
	return u.Host, nil
}

// assumeRole is a role, assumed with the credentials of another source.
func assumeRole(base fetcher, role AssumeRole, host func() (string, error)) fetcher {
	title := func(with string) string { return role.RoleARN + ", assumed with " + with }
	return fetcher{source: title(base.source), fetch: func(ctx context.Context) (Credentials, error) {
		as, err := base.get(ctx)
		if err != nil {
			return Credentials{}, err
		}
		query, form := role.parameters("AssumeRole")
		if role.ExternalID != "" {
			form.Set("ExternalId", role.ExternalID)
		}
		sign(query, form, as)
		c, err := askSTS(ctx, host, query, form, as.AccessKeySecret, as.SecurityToken)
		c.source = title(as.source)
		return c, err
	}}
}

// oidc is a role, assumed with a token of an identity provider.
func oidc(role OIDC, host func() (string, error)) fetcher {
	return fetcher{source: "OIDC, as " + role.RoleARN, fetch: func(ctx context.Context) (Credentials, error) {
		if role.ProviderARN == "" {
			return Credentials{}, errors.New("the OIDC provider ARN is empty")
		}
		token, err := role.token()
		if err != nil {
			return Credentials{}, err
		}
		query, form := role.parameters("AssumeRoleWithOIDC")
		form.Set("OIDCProviderArn", role.ProviderARN)
		form.Set("OIDCToken", token)
		return askSTS(ctx, host, query, form, token)
	}}
}

// parameters returns what every way to assume a role has in the address and in the body of its request.
func (role AssumeRole) parameters(action string) (query, form url.Values) {
	query = url.Values{
		"Action": {action}, "Format": {"JSON"}, "Version": {"2015-04-01"}, "Timestamp": {time.Now().UTC().Format(time.RFC3339)},
	}
	form = url.Values{
		"RoleArn":         {role.RoleARN},
		"RoleSessionName": {cmp.Or(role.SessionName, DefaultSessionName)},
		"DurationSeconds": {strconv.Itoa(cmp.Or(role.Expiration, 3600))},
	}
	if role.Policy != "" {
		form.Set("Policy", role.Policy)
	}
	return query, form
}

// sign adds a signature of version 1.0 to the query of a POST request. STS knows newer ones, but this is what credentials-go
// sends, with whose requests the tests compare these.
//
// https://www.alibabacloud.com/help/en/sdk/product-overview/rpc-mechanism
func sign(query, form url.Values, as Credentials) {
	query.Set("AccessKeyId", as.AccessKeyID)
	query.Set("SignatureMethod", "HMAC-SHA1")
	query.Set("SignatureNonce", rand.Text())
	query.Set("SignatureVersion", "1.0")
	if as.SecurityToken != "" {
		query.Set("SecurityToken", as.SecurityToken)
	}
	signed := maps.Clone(query)
	maps.Copy(signed, form)
	mac := hmac.New(sha1.New, []byte(as.AccessKeySecret+"&"))
	canonical := strings.ReplaceAll(signed.Encode(), "+", "%20") // all else that net/url escapes is as in RFC 3986
	mac.Write([]byte("POST&%2F&" + url.QueryEscape(canonical)))
	query.Set("Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

func askSTS(ctx context.Context, host func() (string, error), query, form url.Values, secrets ...string) (Credentials, error) {
	arn := form.Get("RoleArn")
	if arn == "" {
		return Credentials{}, errors.New("the role ARN is empty")
	}
	endpoint, err := host()
	if err != nil {
		return Credentials{}, err
	}
	address := &url.URL{Scheme: "https", Host: endpoint, Path: "/", RawQuery: query.Encode()}
	c, err := session(issue(formRequest(ctx, address, form), secrets...))
	if parts := strings.Split(arn, ":"); len(parts) > 3 { // acs:ram::ACCOUNT:role/NAME
		c.account = parts[3]
	}
	return c, err
}

func (role OIDC) token() (string, error) {
	switch {
	case role.Token != "":
		return role.Token, nil
	case role.TokenFile == "":
		return "", errors.New("there is neither an OIDC token nor a token file")
	}
	content, err := readFile(role.TokenFile)
	if errors.Is(err, os.ErrPermission) {
		err = fmt.Errorf("%w; in a pod, fsGroup in its securityContext lets its user read the token", err)
	}
	if err != nil {
		return "", fmt.Errorf("read OIDC token file: %w", err)
	}
	token := strings.TrimSpace(string(content))
	if token == "" {
		return "", fmt.Errorf("the OIDC token file %s is empty", role.TokenFile)
	}
	return token, nil
}
