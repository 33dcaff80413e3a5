package main

import (
	"encoding/binary"
	"slices"
	"sync"
	"testing"

	"commonpool.dev/scheduler/packing"
)

var (
	twoFree  = []int64{8, 64, 64, 10, 8, 64, 64, 10}
	twoNodes = packing.Fleet{Free: twoFree, Capacity: twoFree, Levels: 1, Domains: []int64{0, 1}}
	onePod   = []int64{1, 1, 1, 1, 1, 1, -1, -1, 1, -1, -1, 0, 0}
)

func TestAClosedHandleIsRefusedAndNeverGivenAgain(t *testing.T) {
	handles := newTable()
	first := handles.openFleet(twoNodes)
	if handles.close(first) != 0 || handles.close(first) != badHandle {
		t.Error("a handle closes once")
	}
	if second := handles.openFleet(twoNodes); second == first {
		t.Error("the handle was given again")
	}
	var fits int64
	if got := handles.place(first, 0, onePod, []int64{0}, &fits); got != badHandle {
		t.Errorf("place on a closed handle: %d", got)
	}
}

func TestCallsFromManyThreadsTakeTurns(t *testing.T) {
	handles := newTable()
	handle := handles.openFleet(twoNodes)
	site := handles.selectSite(handle, []int64{0, 1})
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 200 {
				var fits int64
				out := []int64{0}
				if placed := handles.place(handle, site, onePod, out, &fits); placed == 1 {
					handles.add(handle, out[0], onePod[:packing.AmountFields])
				}
			}
		})
	}
	group.Wait()
	var fits int64
	request := slices.Concat([]int64{8, 64, 64, 10, 2, 2}, onePod[packing.AmountFields+2:])
	if placed := handles.place(handle, site, request, make([]int64, 2), &fits); placed != 2 {
		t.Errorf("%d of the two whole nodes are free again", placed)
	}
}

// readNumbers takes what a fuzzer wrote apart: a byte is a small number, and 255 says that the next eight are one of any size.
// Past the end all numbers are 0.
func readNumbers(data *[]byte) (next func() int64, numbers func(length int64) []int64) {
	next = func() int64 {
		if len(*data) == 0 {
			return 0
		}
		first := (*data)[0]
		*data = (*data)[1:]
		if first != 255 || len(*data) < 8 {
			return int64(int8(first))
		}
		wide := int64(binary.LittleEndian.Uint64(*data))
		*data = (*data)[8:]
		return wide
	}
	numbers = func(length int64) []int64 {
		out := make([]int64, max(length, 0)%64)
		for i := range out {
			out[i] = next()
		}
		return out
	}
	return next, numbers
}

// FuzzTable calls the face's functions with any numbers in any order: a result or a code, never a panic.
func FuzzTable(f *testing.F) {
	f.Add([]byte{0, 8, 8, 64, 64, 10, 8, 64, 64, 10, 1, 2, 0, 1, 0, 2, 1, 2, 0, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 255, 255, 1, 255, 255, 0, 0})
	f.Add([]byte{0, 4, 8, 8, 8, 8, 0, 0, 0, 2, 1, 1, 0, 3, 1, 0, 255, 255, 1, 1, 4, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		handles := newTable()
		next, numbers := readNumbers(&data)
		for len(data) > 0 {
			var result int64
			switch next() % 5 {
			case 0:
				free := numbers(next())
				result = handles.openFleet(packing.Fleet{
					Free: free, Capacity: free, Levels: int(next()), Domains: numbers(next()), Classes: numbers(next()),
				})
			case 1:
				out, fits := make([]int64, 64), int64(0)
				result = handles.place(next(), next(), numbers(packing.GangFields), out, &fits)
			case 2:
				result = handles.selectSite(next(), numbers(next()))
			case 3:
				result = handles.add(next(), next(), numbers(packing.AmountFields))
			default:
				result = handles.close(next())
			}
			if result < overflow {
				t.Fatalf("result %d", result)
			}
		}
	})
}
