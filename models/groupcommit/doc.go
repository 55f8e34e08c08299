// Package groupcommit commits operations that arrive at the same time in one transaction, so that they share a round trip and a
// flush of the database's log. It knows no database: the caller provides one function that commits a batch and one that commits a
// single item. The idea is that of DB.Batch of go.etcd.io/bbolt.
//
// An item never waits for company. When a slot is free, its batch starts at once with whatever is queued. Items that arrive while
// all slots are busy wait, and the next batch takes them. One of the callers runs each batch. It yields
// once before (runtime.Gosched), so that callers that are about to arrive join.
//
// The queue gives these guarantees:
//
//   - Two items with the same key are never in flight together, neither in one batch nor in two. A client that sends the same key
//     all the time delays only itself.
//   - Slots are handed off in order of arrival among the items that may start.
//   - When a batch was rolled back, each of its items is tried alone. One bad item does not fail the others.
//   - When it is unknown whether a batch was committed, each of its callers gets the error, and nothing is tried again.
package groupcommit
