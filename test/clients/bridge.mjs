// A gateway in front of PostgreSQL, shaped as PostgREST: POST /rpc/<function> with the
// arguments by name as a JSON object. The answer is the function's JSON, untouched:
// parsing it here would round 64-bit numbers.
import { Hono } from 'hono'
import { serve } from '@hono/node-server'

// What may be called, and which arguments are JSON (the others are scalars or text[]).
const functions = {
  pull: ['request'],
  push_json: ['mutations'],
  page_json: ['filter'],
}

export function bridge(pool) {
  const app = new Hono()
  app.post('/rpc/:name', async (c) => {
    const name = c.req.param('name')
    if (!Object.hasOwn(functions, name)) return c.json({ message: `no function ${name}` }, 404)
    const args = await c.req.json()
    const names = Object.keys(args)
    if (!names.every((n) => /^[a-z][a-z0-9_]*$/.test(n)))
      return c.json({ message: 'arguments are named in lower case' }, 400)
    const list = names.map((n, i) => `${n} => $${i + 1}`).join(', ')
    const values = names.map((n) =>
      functions[name].includes(n) && args[n] !== null ? JSON.stringify(args[n]) : args[n])
    try {
      const { rows } = await pool.query(`SELECT syncport.${name}(${list})::text AS answer`, values)
      return c.body(rows[0].answer, 200, { 'content-type': 'application/json' })
    } catch (e) {
      // class 40, 53, 57, 58: not the client's fault, and worth another try
      const status = /^(40|53|57|58)/.test(e.code) ? 503 : e.code === '42501' ? 403 : 400
      return c.json({ code: e.code, message: e.message, details: e.detail, hint: e.hint }, status)
    }
  })
  return app
}

/** Serve it on a free port of this machine: { url, close }. */
export function listen(pool) {
  return new Promise((resolve) => {
    const server = serve({ fetch: bridge(pool).fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) =>
      resolve({ url: `http://127.0.0.1:${port}`, close: () => new Promise((done) => server.close(done)) }))
  })
}

/** The client's side: call('pull', { request }) gives the answer or throws what the server said. */
export function caller(url, headers = {}) {
  return async function call(name, args) {
    const response = await fetch(`${url}/rpc/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(args),
    })
    const body = await response.json()
    if (!response.ok) throw Object.assign(new Error(body.message), body)
    return body
  }
}
