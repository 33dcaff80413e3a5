package main

import (
	"sync"
	"sync/atomic"
)

// each calls do for 0 to count-1, in order, with Workers at a time. The first
// error ends it.
func (d *driver) each(count int, do func(int) error) error {
	var (
		next   atomic.Int64
		once   sync.Once
		failed error
		broken atomic.Bool
		group  sync.WaitGroup
	)
	for range min(d.Workers, count) {
		group.Go(func() {
			for {
				index := int(next.Add(1)) - 1
				if index >= count || broken.Load() {
					return
				}
				if err := do(index); err != nil {
					once.Do(func() { failed = err })
					broken.Store(true)
				}
			}
		})
	}
	group.Wait()
	return failed
}
