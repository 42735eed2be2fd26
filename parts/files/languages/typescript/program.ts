// A Delta table with its data API, from TypeScript: `node program.js FOLDER up|preview|destroy`.
import * as auto from "@pulumi/pulumi/automation";
import * as alchemesh from "@alchemesh/alchemesh";

const [folder, command] = process.argv.slice(2);

async function program() {
    const settings = { local: { root: `${folder}/data`, run: `${folder}/run` } };
    const place = { domain: "retail", product: "orders", port: "orders-table" };
    const models: Record<string, alchemesh.types.input.components.SemanticModelArgs> = {
        order: { properties: { order_id: { type: "string", key: true }, amount: { type: "number" } } },
    };
    const tables = new alchemesh.components.DeltaTable("orders-table", {
        onIncompatibleChange: "refuse",
        partitionBy: process.env.PARTITION_BY,
        keepOnDestroy: false,
        settings,
        wiring: { ...place, models },
    });
    const api = new alchemesh.components.PostgresqlServing("orders-api", {
        limits: { statementSeconds: 30 },
        settings,
        wiring: { ...place, models, protocols: ["sql", "rest"], storage: tables.connection },
    });
    return { table: tables.tables["order"], rest: api.rest, sql: api.sql, credentialFile: api.credentialFile };
}

async function main() {
    const stack = await auto.LocalWorkspace.createOrSelectStack(
        { stackName: "dev", projectName: "orders", program },
        { workDir: `${folder}/work` },
    );
    const onOutput = (text: string) => process.stderr.write(text);
    if (command === "preview") {
        console.log(JSON.stringify((await stack.preview({ onOutput })).changeSummary));
    } else if (command === "destroy") {
        console.log(JSON.stringify((await stack.destroy({ onOutput })).summary.result));
    } else {
        const result = await stack.up({ onOutput });
        const outputs = Object.entries(result.outputs).map(([name, output]) => [name, output.value]);
        console.log(JSON.stringify({ outputs: Object.fromEntries(outputs), changes: result.summary.resourceChanges }));
    }
}

main().catch((error) => {
    console.error(error.message ?? error);
    process.exit(1);
});
