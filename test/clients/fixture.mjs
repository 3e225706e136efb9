// A database of its own for a test file, and a bridge to it. The server is the one that the
// environment names (PGHOST and so on).
import pg from 'pg'
import { caller, listen } from './bridge.mjs'

/** { call, sql, close }: the functions over HTTP, and SQL as the owner of the tables. */
export async function fixture(name, schema) {
  const admin = new pg.Client({ database: 'postgres' })
  await admin.connect()
  await admin.query(`DROP DATABASE IF EXISTS ${name}`)
  await admin.query(`CREATE DATABASE ${name}`)
  const pool = new pg.Pool({ database: name })
  const sql = async (text, values) => (await pool.query(text, values)).rows
  await sql('CREATE EXTENSION syncport')
  await sql(schema)
  const server = await listen(pool)
  return {
    call: caller(server.url),
    sql,
    async close() {
      await server.close()
      await pool.end()
      await admin.query(`DROP DATABASE ${name}`)
      await admin.end()
    },
  }
}
