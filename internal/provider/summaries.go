package provider

// Summaries are those of all diagnostics, in the order of the troubleshooting guide, which has a heading for each.
var Summaries = []string{
	// Access
	"Not allowed to read the certificate asset counts",
	"Access key refused",
	"Security token refused",
	"This machine's clock is off",

	// Credentials
	"No Alibaba Cloud credentials",
	"Alibaba Cloud credentials not found",
	"Alibaba Cloud credentials can't be used",
	"Sign-in to Alibaba Cloud needed",
	"Sign-in to Alibaba Cloud not saved",
	"Alibaba Cloud credentials refused",
	"Throttled by the source of Alibaba Cloud credentials",
	"Source of Alibaba Cloud credentials not available",

	// The provider block
	"Missing Alibaba Cloud access key",
	"Missing Alibaba Cloud secret key",
	"Conflicting sources of credentials",
	"Conflicting OIDC tokens",
	"Environment variables disagree",
	"Missing OIDC provider ARN",
	"Missing OIDC token",
	"Missing role ARN",
	"OIDC token file not found",
	"Invalid OIDC token file",
	"Invalid access key",
	"Invalid secret key",
	"Invalid security token",
	"Invalid OIDC token",
	"Invalid role ARN",
	"Invalid OIDC provider ARN",
	"Invalid session name",
	"Invalid external ID",
	"Invalid policy",
	"Invalid ECS role name",
	"Invalid credentials URI",
	"Invalid region",
	"Invalid endpoint",
	"Invalid number",
	"Invalid duration",
	"Timeout too short",
	"Unknown provider argument",

	// The network
	"Host name not resolved",
	"Connection refused",
	"No answer in time",
	"Connection failed",
	"No encrypted connection",
	"Certificate not trusted",
	"No root certificates",
	"Invalid proxy",
	"Proxy doesn't let the request through",
	"Proxy's host name not resolved",
	"Proxy not reached",
	"No encrypted connection to the proxy",
	"Request redirected",
	"Unexpected answer",
	"Answer too large",

	// The service
	"Throttled by Certificate Management Service",
	"Certificate Management Service is temporarily unavailable",
	"Endpoint doesn't know GetAssetCount",
	"Certificate Management Service reported an error",

	// Time
	"Certificate asset counts not read in time",
	"Reading the certificate asset counts was cancelled",
	"Certificate asset counts not read",
}
