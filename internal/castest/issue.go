package castest

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
)

var (
	roleARN     = regexp.MustCompile(`^acs:ram::\d+:role/[\w.-]{1,64}$`)
	providerARN = regexp.MustCompile(`^acs:ram::\d+:oidc-provider/[\w.-]{1,128}$`)
	sessionName = regexp.MustCompile(`^[\w.@-]{2,64}$`)
)

// sts answers AssumeRole, which the caller signs, and AssumeRoleWithOIDC, which it doesn't.
func (i *Issuer) sts(r *http.Request, call *Issue) (any, *refusal) {
	call.Action = r.Form.Get("Action")
	call.AccessKeyID = r.Form.Get("AccessKeyId")
	call.Token = r.Form.Get("OIDCToken")
	if at, err := time.Parse(dateLayout, r.Form.Get("Timestamp")); err != nil || time.Since(at).Abs() > maxSkew {
		return nil, &refusal{http.StatusBadRequest, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired."}
	}
	switch {
	case r.TLS == nil || r.Method != http.MethodPost || r.Form.Get("Version") != "2015-04-01":
		return nil, &refusal{http.StatusNotFound, "InvalidApi.NotFound", "Specified api is not found, please check your url and method."}
	case call.Action == "AssumeRole":
		if refused := i.checkCaller(r, call); refused != nil {
			return nil, refused
		}
	case call.Action == "AssumeRoleWithOIDC":
		if !providerARN.MatchString(r.Form.Get("OIDCProviderArn")) {
			return nil, &refusal{http.StatusBadRequest, "InvalidParameter.OIDCProviderArn", "The parameter OIDCProviderArn is wrongly formed."}
		}
		if call.Token != OIDCToken {
			return nil, &refusal{http.StatusBadRequest, "AuthenticationFail.OIDCToken.Invalid", "This OIDC token is invalid: " + call.Token}
		}
	default:
		return nil, &refusal{http.StatusNotFound, "InvalidApi.NotFound", "Specified api is not found, please check your url and method."}
	}
	if refused := checkRole(r); refused != nil {
		return nil, refused
	}
	return map[string]any{
		"RequestId":       newRequestID(),
		"AssumedRoleUser": map[string]any{"Arn": r.Form.Get("RoleArn") + "/" + r.Form.Get("RoleSessionName")},
		"Credentials":     i.issue().fields(),
	}, nil
}

func (i *Issuer) checkCaller(r *http.Request, call *Issue) *refusal {
	key, known := i.keys[call.AccessKeyID]
	signed := make(map[string]*string)
	for name := range r.Form {
		if name != "Signature" {
			signed[name] = new(r.Form.Get(name))
		}
	}
	nonce := r.Form.Get("SignatureNonce")
	switch {
	case !known:
		return &refusal{http.StatusNotFound, "InvalidAccessKeyId.NotFound", "Specified access key is not found."}
	case key.SecurityToken != r.Form.Get("SecurityToken"):
		return &refusal{
			http.StatusBadRequest, "InvalidSecurityToken.MismatchWithAccessKey",
			"Specified SecurityToken is mismatched with the AccessKey.",
		}
	case !key.Expires.IsZero() && time.Now().After(key.Expires):
		return &refusal{http.StatusBadRequest, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired."}
	case *openapi.GetRPCSignature(signed, &r.Method, &key.AccessKeySecret) != r.Form.Get("Signature"):
		return &refusal{
			http.StatusBadRequest, "SignatureDoesNotMatch",
			"Specified signature is not matched with our calculation. server string to sign is:" + r.Method + "&%2F&" + r.URL.RawQuery,
		}
	case nonce == "" || i.nonces[nonce]:
		return &refusal{http.StatusBadRequest, "SignatureNonceUsed", "Specified signature nonce was used already."}
	}
	i.nonces[nonce] = true
	return nil
}

func checkRole(r *http.Request) *refusal {
	seconds, err := strconv.Atoi(r.Form.Get("DurationSeconds"))
	policy := r.Form.Get("Policy")
	switch {
	case !roleARN.MatchString(r.Form.Get("RoleArn")):
		return &refusal{http.StatusBadRequest, "InvalidParameter.RoleArn", "The parameter RoleArn is wrongly formed."}
	case strings.Contains(r.Form.Get("RoleArn"), "role/denied"):
		return &refusal{http.StatusForbidden, "NoPermission", "You are not authorized to do this action. You should be authorized by RAM."}
	case !sessionName.MatchString(r.Form.Get("RoleSessionName")):
		return &refusal{http.StatusBadRequest, "InvalidParameter.RoleSessionName", "The parameter RoleSessionName is wrongly formed."}
	case err != nil || seconds < 900 || seconds > 43200:
		return &refusal{http.StatusBadRequest, "InvalidParameter.DurationSeconds", "The Min/Max value of DurationSeconds is 15min/1hr."}
	case policy != "" && !json.Valid([]byte(policy)):
		return &refusal{http.StatusBadRequest, "InvalidParameter.PolicyGrammar", "The parameter Policy has not passed grammar check."}
	}
	return nil
}

func (i *Issuer) cloudSSO(r *http.Request, call *Issue) (any, *refusal) {
	var asked struct{ AccountId, AccessConfigurationId string }
	_ = json.NewDecoder(r.Body).Decode(&asked)
	call.Parameters["AccountId"] = asked.AccountId
	call.Parameters["AccessConfigurationId"] = asked.AccessConfigurationId
	call.Token = bearer(r)
	if call.Token != SSOAccessToken {
		return nil, &refusal{http.StatusUnauthorized, "InvalidAccessToken", "The access token " + call.Token + " is invalid."}
	}
	return map[string]any{"CloudCredential": i.issue().fields(), "RequestId": newRequestID()}, nil
}

// oauthToken gives a new access token and uses up the refresh token.
func (i *Issuer) oauthToken(r *http.Request, call *Issue) (any, *refusal) {
	call.Token = r.Form.Get("refresh_token")
	known := strings.HasPrefix(call.Token, OAuthRefreshToken) && !i.used[call.Token]
	if r.Form.Get("grant_type") != "refresh_token" || r.Form.Get("client_id") == "" || !known {
		return nil, &refusal{http.StatusBadRequest, "invalid_grant", "The refresh token is invalid."}
	}
	i.used[call.Token] = true
	return map[string]any{
		"access_token": OAuthAccessToken, "refresh_token": call.Token + "-next", "expires_in": 10800, "token_type": "Bearer",
	}, nil
}

func (i *Issuer) oauthExchange(r *http.Request, call *Issue) (any, *refusal) {
	call.Token = bearer(r)
	if call.Token != OAuthAccessToken {
		return nil, &refusal{http.StatusUnauthorized, "invalid_token", "The access token " + call.Token + " is invalid."}
	}
	key := i.issue()
	return map[string]any{
		"accessKeyId": key.AccessKeyID, "accessKeySecret": key.AccessKeySecret, "securityToken": key.SecurityToken,
		"expiration": key.Expires.Format(dateLayout), "requestId": newRequestID(),
	}, nil
}

func (i *Issuer) metadataToken(r *http.Request, _ *Issue) (any, *refusal) {
	seconds, err := strconv.Atoi(r.Header.Get("X-Aliyun-Ecs-Metadata-Token-Ttl-Seconds"))
	if r.Method != http.MethodPut || err != nil || seconds < 1 || seconds > 21600 {
		return nil, &refusal{http.StatusMethodNotAllowed, "MethodNotAllowed", "PUT with a TTL of at most six hours"}
	}
	return metadataToken, nil
}

// metadata answers those who have a token and those who don't try, as instances in the normal mode do.
func (i *Issuer) metadata(r *http.Request, call *Issue) (any, *refusal) {
	call.Token = r.Header.Get("X-Aliyun-Ecs-Metadata-Token")
	if call.Token != metadataToken && call.Token != "" {
		return nil, &refusal{http.StatusUnauthorized, "Unauthorized", "the metadata token is invalid"}
	}
	_, role, _ := strings.Cut(r.URL.Path, "/security-credentials/")
	switch role {
	case "":
		return MetadataRole, nil
	case MetadataRole:
		fields := i.issue().fields()
		fields["Code"] = "Success"
		return fields, nil
	}
	return nil, &refusal{http.StatusNotFound, "NotFound", "no such role"}
}

func (i *Issuer) uri(*http.Request, *Issue) (any, *refusal) {
	fields := i.issue().fields()
	fields["Code"] = "Success"
	return fields, nil
}

func bearer(r *http.Request) string {
	return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
}
