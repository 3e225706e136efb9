// Dexie (IndexedDB) over pull and push_json: a copy of some tables, a queue of edits, and what
// became of them. The database needs the stores `queue` ('++seq,[table+id]') and `state` ('name').

/**
 * A client of tables with a key column `id`. call(function, arguments) reaches syncport;
 * onConflict({ table, id, server, client }) is shown both versions and returns the columns to
 * write over the server's, or null to leave it; onRejected(error, edit) is told what failed.
 */
export function client(db, { call, tables, clientId, onConflict = () => null, onRejected = () => {} }) {
  const waiting = (table, id) => db.queue.where({ table, id }).count()

  /** Change a row here and now; it is pushed later. op: insert, update or delete. */
  const edit = (op, table, id, set = {}) =>
    db.transaction('rw', db[table], db.queue, async () => {
      const row = await db[table].get(id)
      await db.queue.add({ table, id, mutation: { id: crypto.randomUUID(), table, op, key: { id }, set,
        ...(row?.row_version && { base_version: row.row_version }) } })
      if (op === 'delete') await db[table].delete(id)
      else await db[table].put({ ...row, ...set, id })
    })

  /** A new row, under an id that the server replaces: "temp-" and a UUID. */
  const insert = async (table, set) => {
    const id = `temp-${crypto.randomUUID()}`
    await edit('insert', table, id, set)
    return id
  }

  async function push() {
    for (;;) {
      const batch = await db.queue.orderBy('seq').limit(500).toArray()
      if (batch.length === 0) return
      const mutations = batch.map((entry) => entry.mutation)
      const { results, seq } = await call('push_json', { mutations, client_id: clientId })
      // answers and the end of the queue in one transaction: if it fails, the edits are sent
      // again under their ids and answered as duplicates
      const conflicts = []
      await db.transaction('rw', [...tables.map((t) => db[t]), db.queue, db.state], async () => {
        for (const [i, { table, id, seq: place }] of batch.entries()) {
          const { key, server, client, error, conflict_columns } = results[i]
          if (error?.retryable) continue // it stays in the queue
          await db.queue.delete(place)
          if (error) onRejected(error, batch[i].mutation)
          if (conflict_columns) conflicts.push({ table, id, server, client })
          if (await waiting(table, id)) await rebase(table, id, server?.row_version)
          else {
            if (key && key.id !== id) await db[table].delete(id) // the temporary one
            await store(table, key?.id ?? id, server)
          }
        }
        await db.state.put({ name: 'seq', value: seq })
      })
      for (const { table, id, server, client } of conflicts) {
        const set = await onConflict({ table, id, server, client })
        if (set) await edit(server && !server.deleted_at ? 'update' : 'upsert', table, id, set)
      }
      if (results.some((r) => r.error?.retryable)) return
    }
  }

  // later edits of the row were made on top of this one
  const rebase = (table, id, version) => db.queue.where({ table, id }).modify((entry) => {
    if (version && entry.mutation.op !== 'insert') entry.mutation.base_version = version
  })

  const store = (table, id, row) =>
    row && !row.deleted_at ? db[table].put(row) : db[table].delete(id)

  async function pull() {
    for (let complete = false; !complete;) {
      const state = Object.fromEntries((await db.state.toArray()).map((s) => [s.name, s.value]))
      const request = { tables: Object.fromEntries(tables.map((t) => [t, { cursor: state[t] ?? null }])),
        ...(state.seq && { at_least_seq: state.seq }) }
      const answer = await call('pull', { request })
      if (answer.behind) return false // a standby that lags: later
      complete = true
      await db.transaction('rw', [...tables.map((t) => db[t]), db.queue, db.state], async () => {
        for (const [table, part] of Object.entries(answer.tables)) {
          if (part.reset) await db[table].clear()
          // rows with edits in the queue are left alone: the answer to those brings them
          for (const row of part.upserts ?? []) if (!(await waiting(table, row.id))) await db[table].put(row)
          for (const { id } of part.deletes ?? []) if (!(await waiting(table, id))) await db[table].delete(id)
          await db.state.put({ name: table, value: part.cursor ?? null })
          complete &&= part.complete ?? false
        }
      })
    }
    return true
  }

  return { edit, insert, push, pull, sync: async () => { await push(); return pull() } }
}
