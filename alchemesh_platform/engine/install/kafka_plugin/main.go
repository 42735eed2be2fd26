// The plugin that Pulumi's kafka SDK talks to, for where Pulumi's own build of it cannot be downloaded: the upstream
// Terraform provider behind Pulumi's bridge, with the names that the SDK uses.
package main

import (
	"encoding/json"

	"github.com/Mongey/terraform-provider-kafka/kafka"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge/tokens"
	shimv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
)

// version is set by the linker.
var version = "0.0.0"

func provider() tfbridge.ProviderInfo {
	info := tfbridge.ProviderInfo{
		P:            shimv2.NewProvider(kafka.Provider()),
		Name:         "kafka",
		Version:      version,
		MetadataInfo: tfbridge.NewProviderMetadata([]byte("{}")),
	}
	info.MustComputeTokens(tokens.SingleModule("kafka_", "index", tokens.MakeStandard("kafka")))
	// https://github.com/pulumi/pulumi-kafka/blob/v3.13.3/provider/resources.go
	info.Resources["kafka_acl"].Fields = map[string]*tfbridge.SchemaInfo{
		"resource_name": {Name: "aclResourceName"},
		"resource_type": {Name: "aclResourceType"},
	}
	return info
}

func main() {
	schema, err := json.Marshal(map[string]string{"name": "kafka", "version": version})
	if err != nil {
		panic(err)
	}
	tfbridge.Main("kafka", version, provider(), schema)
}
