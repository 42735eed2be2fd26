// A Delta table with its data API, from Go: `program FOLDER up|preview|destroy`.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/alchemesh/alchemesh-platform/sdk/go/alchemesh/components"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

func deploy(folder string) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		local := components.LocalSettingsArgs{
			Root: pulumi.String(folder + "/data"),
			Run:  pulumi.String(folder + "/run"),
		}
		domain, product, port := pulumi.String("retail"), pulumi.String("orders"), pulumi.String("orders-table")
		models := components.SemanticModelMap{
			"order": components.SemanticModelArgs{Properties: components.PropertyMap{
				"order_id": components.PropertyArgs{Type: components.LogicalTypeString, Key: pulumi.Bool(true)},
				"amount":   components.PropertyArgs{Type: components.LogicalTypeNumber},
			}},
		}
		tables, err := components.NewDeltaTable(ctx, "orders-table", &components.DeltaTableArgs{
			OnIncompatibleChange: components.DeltaTableOnIncompatibleChangeRefuse,
			KeepOnDestroy:        pulumi.Bool(false),
			Settings:             components.DeltaTableSettingsArgs{Local: local},
			Wiring:               components.StorageWiringArgs{Domain: domain, Product: product, Port: port, Models: models},
		})
		if err != nil {
			return err
		}
		api, err := components.NewPostgresqlServing(ctx, "orders-api", &components.PostgresqlServingArgs{
			Limits:   components.LimitsArgs{StatementSeconds: pulumi.Float64(30)},
			Settings: components.PostgresqlServingSettingsArgs{Local: local},
			Wiring: components.ProxyWiringArgs{
				Domain: domain, Product: product, Port: port, Models: models,
				Protocols: components.ProxyWiringProtocolArray{components.ProxyWiringProtocolSql, components.ProxyWiringProtocolRest},
				Storage:   tables.Connection,
			},
		})
		if err != nil {
			return err
		}
		ctx.Export("table", tables.Tables.MapIndex(pulumi.String("order")))
		ctx.Export("rest", api.Rest)
		ctx.Export("sql", api.Sql)
		ctx.Export("credentialFile", api.CredentialFile)
		return nil
	}
}

func run(folder, command string) error {
	ctx := context.Background()
	stack, err := auto.UpsertStackInlineSource(ctx, "dev", "orders", deploy(folder), auto.WorkDir(folder+"/work"))
	if err != nil {
		return err
	}
	answer := map[string]any{}
	switch command {
	case "preview":
		result, err := stack.Preview(ctx, optpreview.ProgressStreams(os.Stderr))
		if err != nil {
			return err
		}
		answer["changes"] = result.ChangeSummary
	case "destroy":
		if _, err := stack.Destroy(ctx, optdestroy.ProgressStreams(os.Stderr)); err != nil {
			return err
		}
	default:
		result, err := stack.Up(ctx, optup.ProgressStreams(os.Stderr))
		if err != nil {
			return err
		}
		outputs := map[string]any{}
		for name, output := range result.Outputs {
			outputs[name] = output.Value
		}
		answer["outputs"], answer["changes"] = outputs, result.Summary.ResourceChanges
	}
	return json.NewEncoder(os.Stdout).Encode(answer)
}

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
