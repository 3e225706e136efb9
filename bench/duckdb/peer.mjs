// DuckDB as a peer of bench/export.pl: loads the file of its first argument
// into a table of its own, prints "ready" and its version, then writes the
// table for each line "FORMAT FILE" that it reads, and prints the seconds.
import { createInterface } from 'node:readline';
import { DuckDBInstance } from '@duckdb/node-api';

const options = { csv: '(FORMAT csv, HEADER false)', json: '(FORMAT json)', array: '(FORMAT json, ARRAY true)' };
const quote = (text) => `'${text.replaceAll("'", "''")}'`;

const instance = await DuckDBInstance.create(':memory:');
const connection = await instance.connect();
await connection.run(`CREATE TABLE records AS FROM read_csv(${quote(process.argv[2])}, header = true)`);
const [[version, rows]] = (await connection.runAndReadAll('SELECT version(), (SELECT count(*) FROM records)')).getRows();
console.log(`ready ${version} ${rows}`);

for await (const line of createInterface({ input: process.stdin })) {
	const [format, file] = line.split(' ');
	const start = process.hrtime.bigint();
	await connection.run(`COPY records TO ${quote(file)} ${options[format]}`);
	console.log(Number(process.hrtime.bigint() - start) / 1e9);
}
