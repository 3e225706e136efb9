// RxDB's own published suite for replications, against a table of syncport.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { addRxPlugin } from 'rxdb'
import { disableWarnings, RxDBDevModePlugin } from 'rxdb/plugins/dev-mode'
import { getRxStorageMemory } from 'rxdb/plugins/storage-memory'
import { humansCollection, runReplicationBaseTestSuite, setConfig } from 'rxdb/plugins/test-utils'
import { wrappedValidateAjvStorage } from 'rxdb/plugins/validate-ajv'
import { fixture } from './fixture.mjs'
import { replicate } from './rxdb.mjs'

// the suite expects Mocha's names, and to open a database twice, as development mode allows
Object.assign(globalThis, { describe, it })
disableWarnings()
addRxPlugin(RxDBDevModePlugin)
setConfig({ storage: { getStorage: () => wrappedValidateAjvStorage({ storage: getRxStorageMemory() }) } })

for (const tombstones of ['row', 'image'])
  describe(`RxDB, tombstones as ${tombstones}`, () => {
    let db
    before(async () => {
      db = await fixture(`clients_rxdb_${tombstones}`, `
        CREATE TABLE human ("passportId" text PRIMARY KEY, "firstName" text NOT NULL,
                            "lastName" text NOT NULL, age int);
        SELECT syncport.enable('human', tombstones => '${tombstones}')`)
    })
    after(() => db.close())

    const start = (collection, options) =>
      replicate(collection, { call: db.call, table: 'human', batchSize: 3, ...options })
    const once = async (collection) => {
      const state = start(collection, { live: false })
      state.error$.subscribe((error) => { throw error })
      await state.awaitInitialReplication()
      await state.awaitInSync()
    }

    runReplicationBaseTestSuite({
      startReplication: (collection) => start(collection),
      syncOnce: once,
      getAllServerDocs: () => db.sql(tombstones === 'row'
        ? 'SELECT *, deleted_at IS NOT NULL AS deleted FROM human'
        : 'SELECT *, false AS deleted FROM human'),
      cleanUpServer: () => db.sql('TRUNCATE human'),
      softDeletes: tombstones === 'row',
      isDeleted: (row) => row.deleted,
      getPrimaryOfServerDoc: (row) => row.passportId,
    })

    it('edits twice between two pulls without a conflict with itself', async () => {
      await db.sql('TRUNCATE human')
      const collection = await humansCollection.create(1)
      await once(collection)
      const document = await collection.findOne().exec(true)
      for (const age of [31, 32, 31, 32]) {
        await document.getLatest().incrementalPatch({ age })
        await once(collection)
        assert.deepEqual(await db.sql('SELECT age FROM human'), [{ age }])
      }
      await collection.database.close()
    })

    it('shows what the server refuses, and takes its state over', async () => {
      await db.sql('TRUNCATE human')
      await db.sql('ALTER TABLE human ADD CONSTRAINT adult CHECK (age >= 18) NOT VALID')
      const collection = await humansCollection.create(1)
      const document = await collection.findOne().exec(true)
      await document.incrementalPatch({ age: 40 })
      await once(collection)
      const rejected = []
      await document.getLatest().incrementalPatch({ age: 3 })
      const state = start(collection, { live: false, onRejected: (error) => rejected.push(error) })
      await state.awaitInitialReplication()
      await state.awaitInSync()
      assert.equal(rejected[0]?.constraint, 'adult')
      assert.equal(document.getLatest().age, 40)
      await db.sql('ALTER TABLE human DROP CONSTRAINT adult')
      await collection.database.close()
    })
  })
