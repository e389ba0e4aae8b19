package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
)

// credentialAttributes are the arguments that name a source of credentials.
func credentialAttributes() map[string]schema.Attribute {
	const alone = " It is a source of credentials of its own, so it can't be combined with another one."
	return map[string]schema.Attribute{
		"access_key": schema.StringAttribute{
			Optional:            true,
			MarkdownDescription: "Access key ID. Needs `secret_key`. Environment: `ALIBABA_CLOUD_ACCESS_KEY_ID`, `ALICLOUD_ACCESS_KEY`.",
		},
		"secret_key": schema.StringAttribute{
			Optional:            true,
			Sensitive:           true,
			MarkdownDescription: "Access key secret. Needs `access_key`. Environment: `ALIBABA_CLOUD_ACCESS_KEY_SECRET`, `ALICLOUD_SECRET_KEY`.",
		},
		"security_token": schema.StringAttribute{
			Optional:  true,
			Sensitive: true,
			MarkdownDescription: "Security token of temporary credentials. Needs `access_key` and `secret_key`. Environment: `ALIBABA_CLOUD_SECURITY_TOKEN`, " +
				"`ALICLOUD_SECURITY_TOKEN`.",
		},
		"profile": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "Profile of the Alibaba Cloud CLI's configuration, in any of its modes that gives keys: AK, StsToken, RamRoleArn, " +
				"ChainableRamRoleArn, EcsRamRole, RamRoleArnWithRoleName, OIDC, CredentialsURI, CloudSSO, OAuth or External. Default: the file's current profile. " +
				"Environment: `ALIBABA_CLOUD_PROFILE`, `ALICLOUD_PROFILE`." + alone,
		},
		"shared_credentials_file": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "The Alibaba Cloud CLI's configuration file, in JSON, that holds the profile; a leading `~` is the home directory. Default: " +
				"`~/.aliyun/config.json`. Environment: `ALICLOUD_SHARED_CREDENTIALS_FILE`.",
		},
		"credentials_uri": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "URL that answers with temporary credentials, over https; http is for loopback and link-local addresses only. Environment: " +
				"`ALIBABA_CLOUD_CREDENTIALS_URI`, `ALICLOUD_CREDENTIALS_URI`." + alone,
		},
		"ecs_role_name": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "Name of the RAM role of the ECS instance that Terraform runs on. Environment: `ALICLOUD_ECS_ROLE_NAME`, " +
				"`ALIBABA_CLOUD_ECS_METADATA`." + alone,
		},
	}
}

// credentialBlocks are the nested blocks about credentials.
func credentialBlocks() map[string]schema.Block {
	policy := schema.StringAttribute{
		Optional:            true,
		MarkdownDescription: "RAM policy, in JSON, that narrows what the session may do; it can't widen it. Default: all that the role may do.",
	}
	expiration := schema.NumberAttribute{
		Optional: true,
		MarkdownDescription: "How long the session lives, in seconds: from `900` to `43200`, and no longer than the role allows. A new one is made before it " +
			"ends. Default: `3600`.",
	}
	const sessionName = "Name of the session, which the account's audit log shows: 2 to 64 letters, digits and the characters `.` `@` `_` `-`. " +
		"Default: `terraform`. Environment: `ALIBABA_CLOUD_ROLE_SESSION_NAME`."
	return map[string]schema.Block{
		"assume_role": schema.SingleNestedBlock{
			MarkdownDescription: "RAM role to act as. It is assumed with the credentials that the rest of the block, the environment or the default chain gives, " +
				"from whichever source.",
			Attributes: map[string]schema.Attribute{
				"role_arn": schema.StringAttribute{
					Optional: true,
					MarkdownDescription: "ARN of the role, such as `acs:ram::1234567890123456:role/reader`. Where the environment names none either, an empty string " +
						"assumes no role, and null is an error. Environment: `ALIBABA_CLOUD_ROLE_ARN`, unless variables for OIDC are set, and `ALICLOUD_ASSUME_ROLE_ARN`.",
				},
				"session_name":       schema.StringAttribute{Optional: true, MarkdownDescription: sessionName},
				"policy":             policy,
				"session_expiration": expiration,
				"external_id": schema.StringAttribute{
					Optional:            true,
					MarkdownDescription: "External ID that the role's trust policy asks for: 2 to 1224 characters.",
				},
			},
		},
		"assume_role_with_oidc": schema.SingleNestedBlock{
			MarkdownDescription: "RAM role to act as with a token of an OIDC identity provider, as in CI systems and in ACK with RRSA. It is a source of " +
				"credentials of its own, so it can't be combined with another one; with `assume_role` it can.",
			Attributes: map[string]schema.Attribute{
				"oidc_provider_arn": schema.StringAttribute{
					Optional: true,
					MarkdownDescription: "ARN of the identity provider in RAM, such as `acs:ram::1234567890123456:oidc-provider/ci`. Environment: " +
						"`ALIBABA_CLOUD_OIDC_PROVIDER_ARN`.",
				},
				"oidc_token_file": schema.StringAttribute{
					Optional:            true,
					MarkdownDescription: "File that holds the token. It is read anew for every session. Environment: `ALIBABA_CLOUD_OIDC_TOKEN_FILE`.",
				},
				"oidc_token": schema.StringAttribute{
					Optional:            true,
					Sensitive:           true,
					MarkdownDescription: "The token itself, instead of a file. Environment: `ALIBABA_CLOUD_OIDC_TOKEN`.",
				},
				"role_arn": schema.StringAttribute{
					Optional:            true,
					MarkdownDescription: "ARN of the role, such as `acs:ram::1234567890123456:role/reader`. Environment: `ALIBABA_CLOUD_ROLE_ARN`.",
				},
				"role_session_name":  schema.StringAttribute{Optional: true, MarkdownDescription: sessionName},
				"policy":             policy,
				"session_expiration": expiration,
			},
		},
	}
}
