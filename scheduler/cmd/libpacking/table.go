package main

import (
	"errors"
	"sync"

	"commonpool.dev/scheduler/packing"
)

// version changes whenever the functions or what their numbers mean do, so that a caller can refuse a library that is not of its time.
const version = 3

// Results below zero; operator/commonpool/engine/protocol.py has the same list.
const (
	badHandle = -1
	badLength = -2
	badValue  = -3
	overflow  = -4
	panicked  = -5
)

// entry is one open packing; its lock makes calls on one handle from several threads safe, one after the other.
type entry struct {
	lock    sync.Mutex
	packing *packing.Packing
}

// table gives out handles that are never used twice, so that a stale one is refused and not mistaken for another packing.
type table struct {
	lock sync.Mutex
	last int64
	open map[int64]*entry
}

func newTable() *table { return &table{open: make(map[int64]*entry)} }

func (t *table) find(handle int64) *entry {
	t.lock.Lock()
	defer t.lock.Unlock()
	return t.open[handle]
}

func (t *table) openFleet(f packing.Fleet) int64 {
	opened, err := packing.Open(f)
	if err != nil {
		return code(err)
	}
	t.lock.Lock()
	defer t.lock.Unlock()
	t.last++
	t.open[t.last] = &entry{packing: opened}
	return t.last
}

func (t *table) selectSite(handle int64, eligible []int64) int64 {
	found := t.find(handle)
	if found == nil {
		return badHandle
	}
	found.lock.Lock()
	defer found.lock.Unlock()
	site, err := found.packing.Select(eligible)
	if err != nil {
		return code(err)
	}
	return int64(site)
}

func (t *table) place(handle, site int64, request, out []int64, fitCount *int64) int64 {
	found := t.find(handle)
	if found == nil {
		return badHandle
	}
	if len(request) != packing.GangFields {
		return badLength
	}
	found.lock.Lock()
	defer found.lock.Unlock()
	placed, fits, err := found.packing.Place(packing.ReadGang(request), site, out)
	if err != nil {
		return code(err)
	}
	*fitCount = fits
	return int64(placed)
}

func (t *table) add(handle, node int64, amounts []int64) int64 {
	found := t.find(handle)
	if found == nil {
		return badHandle
	}
	if len(amounts) != packing.AmountFields {
		return badLength
	}
	found.lock.Lock()
	defer found.lock.Unlock()
	return code(found.packing.Add(node, packing.Amounts(amounts)))
}

func (t *table) close(handle int64) int64 {
	t.lock.Lock()
	defer t.lock.Unlock()
	if t.open[handle] == nil {
		return badHandle
	}
	delete(t.open, handle)
	return 0
}

func code(err error) int64 {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, packing.ErrLength):
		return badLength
	case errors.Is(err, packing.ErrValue):
		return badValue
	case errors.Is(err, packing.ErrOverflow):
		return overflow
	default:
		return panicked
	}
}
