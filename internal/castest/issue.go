package castest

import (
	"cmp"
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
)

var (
	roleARN     = regexp.MustCompile(`^acs:ram::\d+:role/[\w.-]{1,64}$`)
	providerARN = regexp.MustCompile(`^acs:ram::\d+:oidc-provider/[\w.-]{1,128}$`)
	sessionName = regexp.MustCompile(`^[\w.@-]{2,64}$`)
)

// sts responds to AssumeRole, which the caller signs, and AssumeRoleWithOIDC, which it doesn't.
func (i *Issuer) sts(r *http.Request, call *Issue) (any, *Error) {
	call.Action = r.Form.Get("Action")
	call.AccessKeyID = r.Form.Get("AccessKeyId")
	call.Token = r.Form.Get("OIDCToken")
	withOIDC := call.Action == "AssumeRoleWithOIDC"
	refused := checkDate(r.Form.Get("Timestamp"))
	switch {
	case refused != nil:
	case r.TLS == nil || r.Method != http.MethodPost || r.Form.Get("Version") != "2015-04-01",
		!withOIDC && call.Action != "AssumeRole":
		refused = refuse(404, "InvalidApi.NotFound", "Specified api is not found, please check your url and method.")
	case !withOIDC:
		refused = i.checkCaller(r, call)
	case !providerARN.MatchString(r.Form.Get("OIDCProviderArn")):
		refused = refuse(400, "InvalidParameter.OIDCProviderArn", "The parameter OIDCProviderArn is wrongly formed.")
	case call.Token != OIDCToken:
		refused = refuse(400, "AuthenticationFail.OIDCToken.Invalid", "This OIDC token is invalid: "+call.Token)
	}
	if refused = cmp.Or(refused, checkRole(r)); refused != nil {
		return nil, refused
	}
	return map[string]any{"Credentials": i.issue().fields(), "RequestId": newRequestID()}, nil
}

func (i *Issuer) checkCaller(r *http.Request, call *Issue) *Error {
	if refused := i.checkKey(call.AccessKeyID, r.Form.Get("SecurityToken")); refused != nil {
		return refused
	}
	secret := i.keys[call.AccessKeyID].AccessKeySecret
	signed := make(map[string]*string)
	for name := range r.Form {
		if name != "Signature" {
			signed[name] = new(r.Form.Get(name))
		}
	}
	if *openapi.GetRPCSignature(signed, &r.Method, &secret) != r.Form.Get("Signature") {
		return refuse(400, "SignatureDoesNotMatch",
			"Specified signature is not matched with our calculation. server string to sign is:"+
				r.Method+"&%2F&"+r.URL.RawQuery)
	}
	return i.checkNonce(r.Form.Get("SignatureNonce"))
}

func checkRole(r *http.Request) *Error {
	seconds, err := strconv.Atoi(r.Form.Get("DurationSeconds"))
	policy := r.Form.Get("Policy")
	switch {
	case !roleARN.MatchString(r.Form.Get("RoleArn")):
		return refuse(400, "InvalidParameter.RoleArn", "The parameter RoleArn is wrongly formed.")
	case strings.Contains(r.Form.Get("RoleArn"), "role/denied"):
		return refuse(403, "NoPermission", "You are not authorized to do this action. You should be authorized by RAM.")
	case !sessionName.MatchString(r.Form.Get("RoleSessionName")):
		return refuse(400, "InvalidParameter.RoleSessionName", "The parameter RoleSessionName is wrongly formed.")
	case err != nil || seconds < 900 || seconds > 43200:
		return refuse(400, "InvalidParameter.DurationSeconds", "The Min/Max value of DurationSeconds is 15min/1hr.")
	case policy != "" && !json.Valid([]byte(policy)):
		return refuse(400, "InvalidParameter.PolicyGrammar", "The parameter Policy has not passed grammar check.")
	}
	return nil
}

func (i *Issuer) cloudSSO(r *http.Request, call *Issue) (any, *Error) {
	_ = json.NewDecoder(r.Body).Decode(&call.Parameters)
	call.Token = bearer(r)
	if call.Token != SSOAccessToken {
		return nil, refuse(401, "InvalidAccessToken", "The access token "+call.Token+" is invalid.")
	}
	return map[string]any{"CloudCredential": i.issue().fields(), "RequestId": newRequestID()}, nil
}

// oauthToken gives a new access token and uses up the refresh token.
func (i *Issuer) oauthToken(r *http.Request, call *Issue) (any, *Error) {
	call.Token = r.Form.Get("refresh_token")
	known := strings.HasPrefix(call.Token, OAuthRefreshToken) && !i.used[call.Token]
	if r.Form.Get("grant_type") != "refresh_token" || r.Form.Get("client_id") == "" || !known {
		return nil, refuse(400, "invalid_grant", "The refresh token is invalid.")
	}
	i.used[call.Token] = true
	return map[string]any{
		"access_token": OAuthAccessToken, "refresh_token": call.Token + "-next", "expires_in": 10800, "token_type": "Bearer",
	}, nil
}

func (i *Issuer) oauthExchange(r *http.Request, call *Issue) (any, *Error) {
	call.Token = bearer(r)
	if call.Token != OAuthAccessToken {
		return nil, refuse(401, "invalid_token", "The access token "+call.Token+" is invalid.")
	}
	key := i.issue()
	return map[string]any{
		"accessKeyId": key.AccessKeyID, "accessKeySecret": key.AccessKeySecret, "securityToken": key.SecurityToken,
		"expiration": key.Expires.Format(dateLayout), "requestId": newRequestID(),
	}, nil
}

func (i *Issuer) metadataToken(r *http.Request, _ *Issue) (any, *Error) {
	seconds, err := strconv.Atoi(r.Header.Get("X-Aliyun-Ecs-Metadata-Token-Ttl-Seconds"))
	if r.Method != http.MethodPut || err != nil || seconds < 1 || seconds > 21600 {
		return nil, refuse(405, "MethodNotAllowed", "PUT with a TTL of at most six hours")
	}
	return metadataToken, nil
}

// metadata responds to calls with a token and without one, as instances in the normal mode do.
func (i *Issuer) metadata(r *http.Request, call *Issue) (any, *Error) {
	call.Token = r.Header.Get("X-Aliyun-Ecs-Metadata-Token")
	if call.Token != metadataToken && call.Token != "" {
		return nil, refuse(401, "Unauthorized", "the metadata token is invalid")
	}
	_, role, _ := strings.Cut(r.URL.Path, "/security-credentials/")
	switch role {
	case "":
		return MetadataRole, nil
	case MetadataRole:
		return i.uri(r, call)
	}
	return nil, refuse(404, "NotFound", "no such role")
}

func (i *Issuer) uri(*http.Request, *Issue) (any, *Error) {
	fields := i.issue().fields()
	fields["Code"] = "Success"
	return fields, nil
}

func bearer(r *http.Request) string {
	return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
}
