// TanStack Query's infinite query over page_json: a list of any length, forward and backward.

/**
 * Options of an infinite query over a table, for useInfiniteQuery or an InfiniteQueryObserver.
 * call(function, arguments) reaches syncport. `page` takes what page_json does: page_size,
 * order_by, columns, filter, include_deleted, total. A cursor belongs to table and order, so
 * these are part of the key: another order is another query.
 */
export const pages = (call, table, page = {}) => ({
  queryKey: ['syncport', table, page],
  // The first page has no cursor; `start: 'end'` begins with the last one.
  initialPageParam: page.start === 'end' ? { before: 'end' } : {},
  queryFn: ({ pageParam, signal }) => {
    const { start, ...args } = page
    return call('page_json', { target: table, ...args, ...pageParam }, signal)
  },
  getNextPageParam: (last) => (last.next_cursor ? { after: last.next_cursor } : undefined),
  getPreviousPageParam: (first) => (first.prev_cursor ? { before: first.prev_cursor } : undefined),
  // rows for a component: data.items; total is that of the page fetched last
  select: (data) => ({
    ...data,
    items: data.pages.flatMap((p) => p.items),
    total: data.pages.at(-1)?.total ?? null,
  }),
})
