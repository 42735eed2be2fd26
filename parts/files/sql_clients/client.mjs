// One check of Node's `pg`. Prints what it read as JSON.
import pg from "pg";

const [connectionString, check] = process.argv.slice(2);
const client = new pg.Client({ connectionString, password: process.env.PGPASSWORD });
await client.connect();
const checks = {
  async parameters() {
    const query = { name: "prepared", text: "SELECT price, whole, moment, tags, place FROM matrix WHERE id = $1", values: [1] };
    await client.query(query);
    return (await client.query(query)).rows[0];
  },
  async transaction() {
    await client.query("BEGIN");
    const { rows } = await client.query("SELECT count(*) FROM matrix");
    await client.query("ROLLBACK");
    return rows[0].count;
  },
};
console.log(JSON.stringify(await checks[check]()));
await client.end();
