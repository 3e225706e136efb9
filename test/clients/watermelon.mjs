// WatermelonDB's synchronize() over pull and push_json.
import { synchronize } from '@nozbe/watermelondb/sync/index.js'

const KEPT = 'syncport pulls' // in the database's local storage

/**
 * One synchronization of some tables, whose columns bear the names of the schema's. Rejects where
 * the server changed between its pull and its push: call it again. onRejected(error, table, row)
 * is told what the server refuses for good; then nothing is pushed until that row is mended.
 */
export async function sync(database, { call, tables, onRejected = () => {} }) {
  const columns = (table) => ['id', ...Object.keys(database.schema.tables[table].columns)]

  // WatermelonDB keeps one number of a pull, and keeps it when the changes are stored. We need
  // cursors: they are filed under that number ahead of it, so that neither runs ahead.
  const load = async () => JSON.parse((await database.localStorage.get(KEPT)) ?? '{}')

  await synchronize({
    database,
    sendCreatedAsUpdated: true, // the feed does not tell new rows from changed ones

    async pullChanges({ lastPulledAt }) {
      const pulls = await load()
      const last = pulls[lastPulledAt] ?? { cursors: {} }
      const cursors = { ...last.cursors }
      const changes = Object.fromEntries(tables.map((t) => [t, { created: [], updated: [], deleted: [] }]))
      let answer
      do {
        const request = { tables: Object.fromEntries(tables.map((t) =>
          [t, { cursor: cursors[t] ?? null, columns: columns(t) }])) }
        answer = await call('pull', { request })
        if (answer.behind) throw new Error('this server is behind: try later')
        for (const [table, part] of Object.entries(answer.tables)) {
          if (part.reset) throw Object.assign(new Error(`start anew: ${part.reset}`), { reset: part.reset })
          changes[table].updated.push(...part.upserts)
          changes[table].deleted.push(...part.deletes.map((key) => key.id))
          cursors[table] = part.cursor
        }
      } while (tables.some((t) => !answer.tables[t].complete))
      for (const change of Object.values(changes)) settle(change)
      const timestamp = (lastPulledAt ?? 0) + 1
      await database.localStorage.set(KEPT, JSON.stringify({
        ...(lastPulledAt && { [lastPulledAt]: last }), [timestamp]: { cursors, seq: answer.seq } }))
      return { changes, timestamp }
    },

    async pushChanges({ changes, lastPulledAt }) {
      const base_seq = (await load())[lastPulledAt].seq
      const mutations = Object.entries(changes).flatMap(([table, { created, updated, deleted }]) => [
        ...[...created, ...updated].map(({ _status, _changed, ...row }) =>
          ({ table, op: 'upsert', key: { id: row.id }, set: row, base_seq })),
        ...deleted.map((id) => ({ table, op: 'delete', key: { id }, base_seq })),
      ])
      // all or nothing, in the order of the schema's tables as foreign keys may ask
      const { results } = await call('push_json', { mutations, atomic: true })
      const failed = results.filter((r) => r.status === 'conflict' || r.status === 'rejected')
      for (const { ordinal, error, client } of failed)
        if (error && !error.retryable) onRejected(error, mutations[ordinal - 1].table, client)
      if (failed.length > 0)
        throw Object.assign(new Error(`not pushed: ${failed.length} of ${results.length}`), { failed })
    },
  })
}

// Of several pages, what came last of a row counts.
function settle(change) {
  const rows = new Map(change.updated.map((row) => [row.id, row]))
  change.updated = [...rows.values()]
  change.deleted = [...new Set(change.deleted)].filter((id) => !rows.has(id))
}
