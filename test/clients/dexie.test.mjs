// Dexie over fake-indexeddb: a queue, conflicts, temporary ids, resets.
import 'fake-indexeddb/auto'
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { Dexie } from 'dexie'
import { client } from './dexie.mjs'
import { fixture } from './fixture.mjs'

let devices = 0
function device(call, options = {}) {
  const name = `device${++devices}`
  const db = new Dexie(name)
  db.version(1).stores({ seller: 'id', record: 'id', queue: '++seq,[table+id]', state: 'name' })
  return { db, ...client(db, { call, tables: ['seller', 'record'], clientId: name, ...options }) }
}

describe('Dexie', () => {
  let server
  const rows = async ({ db }, table) => (await db[table].toArray()).sort((a, b) => a.id - b.id)
  const stored = async (table) => (await server.call('pull', { request: { tables: { [table]: {} } } }))
    .tables[table].upserts.sort((a, b) => a.id - b.id)
  const same = async (...devices) => {
    for (const table of ['seller', 'record'])
      for (const d of devices) assert.deepEqual(await rows(d, table), await stored(table))
  }

  before(async () => {
    server = await fixture('clients_dexie', `
      CREATE TABLE seller (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE);
      CREATE TABLE record (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                           seller_id bigint NOT NULL REFERENCES seller, amount numeric NOT NULL);
      SELECT syncport.enable('seller'); SELECT syncport.enable('record')`)
  })
  beforeEach(() => server.sql('TRUNCATE seller, record RESTART IDENTITY'))
  after(() => server.close())

  it('brings a parent and its child, made offline under temporary ids', async () => {
    const [a, b] = [device(server.call), device(server.call)]
    const seller = await a.insert('seller', { name: 'ann' })
    const record = await a.insert('record', { seller_id: seller, amount: 1 })
    await a.edit('update', 'record', record, { amount: 2 })
    await a.push()
    assert.equal((await rows(a, 'record'))[0].seller_id, 1)
    // and a child of the next call, under the id that the device still has
    await a.insert('record', { seller_id: seller, amount: 3 })
    await a.sync()
    await b.sync()
    await same(a, b)
    assert.deepEqual((await rows(b, 'record')).map((r) => [r.seller_id, r.amount]), [[1, 2], [1, 3]])
  })

  it('shows a conflict with both versions, and writes what the user decides', async () => {
    const shown = []
    const [a, b] = [device(server.call), device(server.call, {
      onConflict: ({ server, client }) => {
        shown.push([server.amount, client.amount])
        return { amount: server.amount + client.amount }
      },
    })]
    const seller = await a.insert('seller', { name: 'ann' })
    await a.insert('record', { seller_id: seller, amount: 1 })
    await a.sync()
    await b.sync()
    await a.edit('update', 'record', 1, { amount: 10 })
    await b.edit('update', 'record', 1, { amount: 20 })
    await a.sync()
    await b.sync()
    await a.sync()
    assert.deepEqual(shown, [[10, 20]])
    assert.deepEqual((await stored('record')).map((r) => r.amount), [30])
    await same(a, b)
  })

  it('keeps what was deleted here and changed there', async () => {
    const [a, b] = [device(server.call), device(server.call)]
    await a.insert('seller', { name: 'ann' })
    await a.sync()
    await b.sync()
    await a.edit('update', 'seller', 1, { name: 'anna' })
    await b.edit('delete', 'seller', 1)
    await a.sync()
    await b.sync()
    assert.deepEqual((await rows(b, 'seller')).map((r) => r.name), ['anna'])
    await same(a, b)
  })

  it('builds on its own edits, also when they go in different calls', async () => {
    const a = device(server.call)
    await a.insert('seller', { name: 'ann' })
    await a.sync()
    await a.edit('update', 'seller', 1, { name: 'b' })
    // a second edit is made while the first is on its way
    const slow = async (name, args) => {
      const answer = await server.call(name, args)
      if (name === 'push_json' && args.mutations[0].set.name === 'b') await a.edit('update', 'seller', 1, { name: 'c' })
      return answer
    }
    await client(a.db, { call: slow, tables: ['seller', 'record'], clientId: 'slow' }).sync()
    assert.deepEqual((await stored('seller')).map((r) => r.name), ['c'])
    await same(a)
  })

  it('shows the conflict of an edit that was made behind a conflict', async () => {
    const [a, b] = [device(server.call), device(server.call)]
    await a.insert('seller', { name: 'ann' })
    await a.sync()
    await b.sync()
    await a.edit('update', 'seller', 1, { name: 'anna' })
    await a.sync()
    await b.edit('update', 'seller', 1, { name: 'b' })
    const shown = []
    const slow = async (name, args) => {
      const answer = await server.call(name, args)
      if (name === 'push_json' && args.mutations[0].set.name === 'b') await b.edit('update', 'seller', 1, { name: 'c' })
      return answer
    }
    await client(b.db, { call: slow, tables: ['seller', 'record'], clientId: 'slow',
      onConflict: ({ client }) => { shown.push(client.name) } }).sync()
    assert.deepEqual(shown, ['b', 'c'])
    assert.deepEqual((await stored('seller')).map((r) => r.name), ['anna'])
    await same(a, b)
  })

  it('never writes an older edit over a newer one', async () => {
    const shown = []
    const a = device(server.call, { onConflict: ({ client }) => { shown.push(client.name) } })
    await a.insert('seller', { name: 'ann' })
    await a.sync()
    await a.edit('update', 'seller', 1, { name: 'older' })
    await a.edit('update', 'seller', 1, { name: 'newer' })
    // the first of them meets a lock that is not to be had
    const busy = async (name, args) => {
      if (name !== 'push_json') return server.call(name, args)
      const { results, seq } = await server.call(name, { ...args, mutations: args.mutations.slice(1) })
      return { results: [{ status: 'rejected', error: { sqlstate: '55P03', retryable: true }, conflict_columns: null }, ...results], seq }
    }
    await client(a.db, { call: busy, tables: ['seller', 'record'], clientId: 'busy' }).push()
    await a.sync()
    assert.deepEqual(shown, ['older'])
    assert.deepEqual((await stored('seller')).map((r) => r.name), ['newer'])
    await same(a)
  })

  it('asks about a conflict again when it dies before it is stored', async () => {
    const [a, b] = [device(server.call), device(server.call)]
    await a.insert('seller', { name: 'ann' })
    await a.sync()
    await b.sync()
    await a.edit('update', 'seller', 1, { name: 'anna' })
    await a.sync()
    await b.edit('update', 'seller', 1, { name: 'b' })
    const options = { call: server.call, tables: ['seller', 'record'], clientId: 'dying' }
    await assert.rejects(client(b.db, { ...options, onConflict: () => { throw new Error('gone') } }).push())
    await client(b.db, { ...options, onConflict: ({ server }) => ({ name: `${server.name} b` }) }).sync()
    assert.deepEqual((await stored('seller')).map((r) => r.name), ['anna b'])
    await a.sync()
    await same(a, b)
  })

  it('applies nothing twice when the answer is lost', async () => {
    const a = device(server.call)
    await a.insert('seller', { name: 'ann' })
    await a.insert('seller', { name: 'bob' })
    const lost = async (name, args) => {
      await server.call(name, args)
      throw new Error('connection lost')
    }
    const clientId = 'lossy'
    await assert.rejects(client(a.db, { call: lost, tables: ['seller', 'record'], clientId }).push())
    await client(a.db, { call: server.call, tables: ['seller', 'record'], clientId }).sync()
    assert.deepEqual((await stored('seller')).map((r) => r.name), ['ann', 'bob'])
    await same(a)
  })

  it('is told what is refused, and its neighbours pass', async () => {
    const refused = []
    const a = device(server.call, { onRejected: (error) => refused.push(error.sqlstate) })
    await a.insert('seller', { name: 'ann' })
    await a.insert('seller', { name: 'ann' })
    await a.insert('seller', { name: 'bob' })
    await a.sync()
    assert.deepEqual(refused, ['23505'])
    await same(a)
  })

  it('starts anew where the server says so', async () => {
    const a = device(server.call)
    await a.insert('seller', { name: 'ann' })
    await a.sync()
    await server.sql('TRUNCATE seller, record')
    await server.sql(`INSERT INTO seller (name) VALUES ('new')`)
    await a.sync()
    await same(a)
  })
})
