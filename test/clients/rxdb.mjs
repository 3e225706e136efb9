// RxDB over syncport: pull becomes RxDB's pull handler, push_json its push handler.
import { replicateRxCollection } from 'rxdb/plugins/replication'

/**
 * Replicate a collection with a table whose columns bear the names of the schema's properties.
 * call(function, arguments) reaches syncport; onReset(reason) is told when the copy has to be
 * made anew (remove the collection and start again); onRejected(error, document) when the
 * server refuses an edit for good. It pulls at its start and when its reSync() is called: do so
 * on a timer, or when something tells that there is news.
 */
export function replicate(collection, {
  call, table, live = true, batchSize = 100,
  onReset = (reason) => { throw new Error(`start anew: ${reason}`) },
  onRejected = () => {},
}) {
  const key = collection.schema.primaryPath
  const columns = Object.keys(collection.schema.jsonSchema.properties).filter((p) => !p.startsWith('_'))

  // RxDB has no null: a property is there or not. The table has NULL for what is not.
  const toDocument = (row, deleted) => ({
    ...Object.fromEntries(columns.filter((c) => row[c] != null).map((c) => [c, row[c]])),
    _deleted: deleted,
  })
  const toRow = (document) => Object.fromEntries(columns.map((c) => [c, document[c] ?? null]))

  // A delete brings the key alone, and may name rows that were never here; RxDB's storages want
  // whole documents.
  const deletedDocuments = async (keys) =>
    (await collection.storageInstance.findDocumentsById(keys, true)).map((row) => toDocument(row, true))

  return replicateRxCollection({
    collection,
    replicationIdentifier: `syncport ${table}`,
    live,
    retryTime: 1000,
    pull: {
      batchSize,
      async handler(checkpoint, limit) {
        let cursor = checkpoint?.cursor ?? null
        let seq = checkpoint?.seq ?? 1
        const documents = []
        // RxDB takes a page that is not full for the last one, so pages are filled here
        for (let complete = false; !complete && documents.length < limit;) {
          const answer = await call('pull', {
            request: { page_size: limit - documents.length, tables: { [table]: { cursor, columns } } },
          })
          if (answer.behind) throw new Error('this server is behind: try later')
          const part = answer.tables[table]
          if (part.reset) {
            await onReset(part.reset)
            return { documents: [], checkpoint }
          }
          documents.push(
            ...part.upserts.map((row) => toDocument(row, false)),
            ...await deletedDocuments(part.deletes.map((row) => row[key])))
          cursor = part.cursor
          complete = part.complete
          seq = answer.seq
        }
        return { documents, checkpoint: { cursor, seq } } // flat: RxDB merges checkpoints
      },
    },
    push: {
      batchSize,
      // RxDB wants the master's state of each document that was not the one it assumed
      async handler(rows) {
        const { results } = await call('push_json', { mutations: rows.map(toMutation) })
        const masters = []
        for (const { ordinal, status, server, error } of results) {
          const document = rows[ordinal - 1].newDocumentState
          if (status === 'rejected' && error.retryable) throw new Error(error.message)
          if (status === 'rejected') onRejected(error, document)
          if (status === 'rejected' || status === 'conflict')
            masters.push(server
              ? toDocument(server, server.deleted_at != null)
              : { ...document, _deleted: true })
        }
        return masters
      },
    },
  })

  // What RxDB assumes to be the master's state is the base: a version would not do, for after
  // a push RxDB still has the old one. There is no id: an edit that comes again is a noop.
  function toMutation({ newDocumentState: document, assumedMasterState: assumed }) {
    const mutation = { table, key: { [key]: document[key] } }
    if (!assumed) return { ...mutation, op: document._deleted ? 'delete' : 'insert', set: toRow(document) }
    const base = assumed._deleted ? { deleted_at: 'yes' } : toRow(assumed)
    if (document._deleted) return { ...mutation, op: 'delete', base }
    return { ...mutation, op: 'upsert', set: toRow(document), base }
  }
}
