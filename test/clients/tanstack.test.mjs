// TanStack Query: a whole table by pages, in both directions, while rows come and go.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { InfiniteQueryObserver, QueryClient } from '@tanstack/query-core'
import { fixture } from './fixture.mjs'
import { pages } from './tanstack.mjs'

describe('TanStack Query', () => {
  let server
  const client = new QueryClient({ defaultOptions: { queries: { retry: false, gcTime: 0 } } })
  const order_by = 'amount DESC NULLS LAST, name'
  const sorted = () => server.sql(`SELECT id FROM record WHERE deleted_at IS NULL
    ORDER BY amount DESC NULLS LAST, name, id`).then((rows) => rows.map((r) => Number(r.id)))
  const observe = async (page, body) => {
    const observer = new InfiniteQueryObserver(client, pages(server.call, 'record', page))
    const stop = observer.subscribe(() => {})
    try {
      await observer.refetch({ throwOnError: true })
      return await body(observer)
    } finally {
      stop()
    }
  }
  const ids = (observer) => observer.getCurrentResult().data.items.map((row) => row.id)

  before(async () => {
    server = await fixture('clients_tanstack', `
      CREATE TABLE record (id bigint PRIMARY KEY, name text, amount numeric);
      INSERT INTO record SELECT g, 'name ' || g % 7, nullif(g % 11, 5) FROM generate_series(1, 1003) g;
      SELECT syncport.enable('record', sort_keys => ARRAY['amount DESC NULLS LAST, name']);
      DELETE FROM record WHERE id % 10 = 0`)
  })
  after(async () => { client.clear(); await server.close() })

  it('walks all rows forward', () => observe({ page_size: 100, order_by, total: 'exact' }, async (observer) => {
    while (observer.getCurrentResult().hasNextPage) await observer.fetchNextPage()
    const { data } = observer.getCurrentResult()
    assert.deepEqual(ids(observer), await sorted())
    assert.deepEqual(data.total, { rows: 903, kind: 'exact' })
    assert.equal(data.pages.length, 10)
  }))

  it('walks all rows backward from the end', () => observe({ page_size: 100, order_by, start: 'end' }, async (observer) => {
    while (observer.getCurrentResult().hasPreviousPage) await observer.fetchPreviousPage()
    assert.deepEqual(ids(observer), await sorted())
  }))

  it('neither skips nor repeats a row while others come and go', () =>
    observe({ page_size: 50, order_by: 'id' }, async (observer) => {
      const before = (await server.sql('SELECT id FROM record WHERE deleted_at IS NULL ORDER BY id')).map((r) => Number(r.id))
      for (let n = 0; observer.getCurrentResult().hasNextPage; n++) {
        await server.sql(`DELETE FROM record WHERE id = ${before[n]}`) // behind the reader
        await server.sql(`INSERT INTO record VALUES (${-1 - n}, 'new', 1)`)
        await observer.fetchNextPage()
      }
      assert.deepEqual(ids(observer), before)
    }))

  it('filters', () => observe({ page_size: 40, order_by, filter: { name: 'name 3', amount: { gte: 4 } } }, async (observer) => {
    while (observer.getCurrentResult().hasNextPage) await observer.fetchNextPage()
    const rows = await server.sql(`SELECT id FROM record WHERE deleted_at IS NULL AND name = 'name 3'
      AND amount >= 4 ORDER BY amount DESC NULLS LAST, name, id`)
    assert.ok(rows.length > 40)
    assert.deepEqual(ids(observer), rows.map((r) => Number(r.id)))
  }))

  it('hands the server\'s words to the component', () =>
    assert.rejects(observe({ order_by: 'nope' }, () => {}), (error) => error.code === 'SY004' && /nope/.test(error.message + error.details)))
})
