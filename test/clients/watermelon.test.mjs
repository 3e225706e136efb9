// WatermelonDB with the LokiJS adapter: two devices over two tables.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { appSchema, Database, Model, tableSchema } from '@nozbe/watermelondb/index.js'
import LokiJSAdapter from '@nozbe/watermelondb/adapters/lokijs/index.js'
import logger from '@nozbe/watermelondb/utils/common/logger/index.js'
import { fixture } from './fixture.mjs'
import { sync } from './watermelon.mjs'

class Post extends Model { static table = 'post' }
class Comment extends Model { static table = 'comment' }
const schema = appSchema({
  version: 1,
  tables: [
    tableSchema({ name: 'post', columns: [
      { name: 'title', type: 'string' }, { name: 'likes', type: 'number' }] }),
    tableSchema({ name: 'comment', columns: [
      { name: 'post_id', type: 'string' }, { name: 'body', type: 'string' }] }),
  ],
})
;(logger.default ?? logger).silence?.()

let devices = 0
function device() {
  const Adapter = LokiJSAdapter.default ?? LokiJSAdapter
  return new Database({
    adapter: new Adapter({ schema, dbName: `device${++devices}`, useWebWorker: false,
      useIncrementalIndexedDB: false, extraLokiOptions: { autosave: false } }),
    modelClasses: [Post, Comment],
  })
}
const create = (db, table, row) => db.write(() =>
  db.get(table).create((record) => { Object.assign(record._raw, row) }))
const update = async (db, table, id, row) => {
  const record = await db.get(table).find(id)
  await db.write(() => record.update((r) => {
    for (const [name, value] of Object.entries(row)) r._setRaw(name, value)
  }))
}
const remove = async (db, table, id) => {
  const record = await db.get(table).find(id)
  await db.write(() => record.markAsDeleted())
}
const rows = async (db, table) => (await db.get(table).query().fetch())
  .map(({ _raw: { _status, _changed, ...row } }) => row).sort((a, b) => a.id < b.id ? -1 : 1)

describe('WatermelonDB', () => {
  let server
  const tables = ['post', 'comment']
  const go = (db, options) => sync(db, { call: server.call, tables, ...options })
  const stored = (table) => server.sql(table === 'post'
    ? 'SELECT id, title, likes FROM post WHERE deleted_at IS NULL ORDER BY id COLLATE "C"'
    : 'SELECT id, post_id, body FROM comment WHERE deleted_at IS NULL ORDER BY id COLLATE "C"')
  const same = async (...all) => {
    for (const table of tables)
      for (const db of all) assert.deepEqual(await rows(db, table), await stored(table))
  }

  before(async () => {
    server = await fixture('clients_watermelon', `
      CREATE TABLE post (id text PRIMARY KEY, title text NOT NULL CHECK (title <> 'bad'), likes int NOT NULL);
      CREATE TABLE comment (id text PRIMARY KEY, post_id text NOT NULL REFERENCES post, body text NOT NULL);
      SELECT syncport.enable('post'); SELECT syncport.enable('comment')`)
  })
  beforeEach(() => server.sql('TRUNCATE post, comment'))
  after(() => server.close())

  it('takes an empty server', async () => {
    const a = device()
    await go(a)
    await go(a)
    await same(a)
  })

  it('brings creates, updates and deletes of two tables to another device', async () => {
    const [a, b] = [device(), device()]
    await create(a, 'post', { id: 'p1', title: 'one', likes: 1 })
    await create(a, 'post', { id: 'p2', title: 'two', likes: 2 })
    await create(a, 'comment', { id: 'c1', post_id: 'p1', body: 'hm' })
    await go(a)
    await go(b)
    await same(a, b)
    await update(b, 'post', 'p2', { likes: 20 })
    await remove(b, 'comment', 'c1')
    await create(b, 'comment', { id: 'c2', post_id: 'p2', body: 'yes' })
    await go(b)
    await go(a)
    await same(a, b)
    assert.deepEqual((await stored('comment')).map((r) => r.id), ['c2'])
  })

  it('merges edits of different columns, and loses none', async () => {
    const [a, b] = [device(), device()]
    await create(a, 'post', { id: 'p1', title: 'one', likes: 1 })
    await go(a)
    await go(b)
    await update(a, 'post', 'p1', { title: 'of a' })
    await update(b, 'post', 'p1', { likes: 7 })
    await go(a)
    await go(b)
    await go(a)
    await same(a, b)
    assert.deepEqual(await stored('post'), [{ id: 'p1', title: 'of a', likes: 7 }])
  })

  it('pushes nothing over what was written since its pull', async () => {
    const [a, b] = [device(), device()]
    await create(a, 'post', { id: 'p1', title: 'one', likes: 1 })
    await create(a, 'post', { id: 'p2', title: 'two', likes: 2 })
    await go(a)
    await go(b)
    await update(b, 'post', 'p1', { likes: 5 })
    await update(b, 'post', 'p2', { likes: 5 })
    // somebody writes between b's pull and b's push
    const call = async (name, args) => {
      if (name === 'push_json') await server.sql(`UPDATE post SET title = 'meanwhile' WHERE id = 'p1'`)
      return server.call(name, args)
    }
    await assert.rejects(go(b, { call }), /not pushed: 1 of 2/)
    assert.deepEqual((await stored('post')).map((r) => r.likes), [1, 2]) // all or nothing
    await go(b)
    await same(b)
    assert.deepEqual(await stored('post'),
      [{ id: 'p1', title: 'meanwhile', likes: 5 }, { id: 'p2', title: 'two', likes: 5 }])
  })

  it('is told what the server refuses', async () => {
    const a = device()
    const refused = []
    await create(a, 'post', { id: 'p1', title: 'bad', likes: 1 })
    await create(a, 'post', { id: 'p2', title: 'good', likes: 1 })
    await assert.rejects(go(a, { onRejected: (error, table, row) => refused.push([error.sqlstate, table, row.id]) }))
    assert.deepEqual(refused, [['23514', 'post', 'p1']])
    await update(a, 'post', 'p1', { title: 'better' })
    await go(a)
    await same(a)
  })

  it('asks again for what it could not store', async () => {
    const [a, b] = [device(), device()]
    await go(b)
    await create(a, 'post', { id: 'p1', title: 'one', likes: 1 })
    await go(a)
    // the answer arrives, the device fails before it has stored the rows
    const { batch } = b
    b.batch = () => Promise.reject(new Error('the disk is full'))
    await assert.rejects(go(b), /the disk is full/)
    b.batch = batch
    await go(b)
    await same(a, b)
  })
})
