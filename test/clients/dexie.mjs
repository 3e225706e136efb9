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
  const edit = (op, table, id, set = {}, seen) =>
    db.transaction('rw', db[table], db.queue, async () => {
      const row = await db[table].get(id)
      const base_version = (seen ?? row)?.row_version // of what the user saw
      await db.queue.add({ table, id, mutation: { id: crypto.randomUUID(), table, op, key: { id }, set,
        ...(base_version && { base_version }) } })
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
      // asked while the edit is in the queue: a client that dies here asks again
      const decided = []
      for (const [i, { server, client, conflict_columns }] of results.entries())
        decided.push(conflict_columns && await onConflict({ ...batch[i], server, client }))
      // answers and the end of the queue in one transaction: if it fails, the edits are sent
      // again under their ids and answered as duplicates, with what became of them
      await db.transaction('rw', [...tables.map((t) => db[t]), db.queue, db.state], async () => {
        for (const [i, entry] of batch.entries()) {
          const { table, id } = entry
          const { status, key, server, error } = results[i]
          if (error?.retryable) continue // it stays in the queue
          await db.queue.delete(entry.seq)
          if (error) onRejected(error, entry.mutation)
          if (status === 'applied') await rebase(entry, server?.row_version)
          if (!(await waiting(table, id))) {
            if (key && key.id !== id) await db[table].delete(id) // the temporary one
            await store(table, key?.id ?? id, server)
          }
          if (decided[i])
            await edit(server && !server.deleted_at ? 'update' : 'upsert', table, id, decided[i], server ?? {})
        }
        await db.state.put({ name: 'seq', value: seq })
      })
      if (results.some((r) => r.error?.retryable)) return
    }
  }

  // later edits of the row were made on top of the one that was applied
  const rebase = ({ table, id, seq }, version) => db.queue.where({ table, id }).modify((later) => {
    if (version && later.seq > seq && later.mutation.op !== 'insert') later.mutation.base_version = version
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
