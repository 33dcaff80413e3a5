// Command libpacking carries the packing engine over a C face, for Python:
//
//	go build -buildmode=c-shared -o libpacking.so ./cmd/libpacking
//
// All numbers are int64. Arrays belong to the caller, are read or written only during the call, and must have the lengths that are said
// with them: that is the one thing that cannot be checked here. A result below zero is an error code (see table.go) and means that
// nothing has changed. Every function may be called from any thread.
package main

/*
#include <stdint.h>
*/
import "C"

import (
	"unsafe"

	"commonpool.dev/scheduler/packing"
)

var packings = newTable()

func main() {}

//export packing_version
func packing_version() C.int64_t { return version }

// packing_open copies free[n*4], capacity[n*4], domains[levels*n] and classes[m*5] and returns a handle above zero.
//
//export packing_open
func packing_open(
	free, capacity *C.int64_t, n C.int64_t, domains *C.int64_t, levels C.int64_t, classes *C.int64_t, m C.int64_t,
) (result C.int64_t) {
	defer rescue(&result)
	if n < 0 || n > packing.MaxNodes || levels < 0 || levels > packing.MaxLevels || m < 0 || m > packing.MaxClasses {
		return badLength
	}
	freeView, ok1 := view(free, n*packing.AmountFields)
	capacityView, ok2 := view(capacity, n*packing.AmountFields)
	domainsView, ok3 := view(domains, levels*n)
	classesView, ok4 := view(classes, m*packing.ClassFields)
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return badLength
	}
	return C.int64_t(packings.openFleet(packing.Fleet{
		Free: freeView, Capacity: capacityView, Levels: int(levels), Domains: domainsView, Classes: classesView,
	}))
}

// packing_select numbers a choice of nodes for packing_place: eligible[k], strictly ascending. Numbers count from zero.
//
//export packing_select
func packing_select(handle C.int64_t, eligible *C.int64_t, k C.int64_t) (result C.int64_t) {
	defer rescue(&result)
	eligibleView, ok := view(eligible, k)
	if !ok {
		return badLength
	}
	return C.int64_t(packings.selectSite(int64(handle), eligibleView))
}

// packing_place places request[13] (four amounts, min_count, count, level, preferred, segment, segment_level, spread_level, min_domains,
// max_skew) on the site, writes a node a pod, in the order of ranks, to out_nodes[out_len] and the most pods that could have been placed
// to out_fit_count, and returns how many pods it placed.
//
//export packing_place
func packing_place(handle, site C.int64_t, request, outNodes *C.int64_t, outLen C.int64_t, outFitCount *C.int64_t) (result C.int64_t) {
	defer rescue(&result)
	requestView, ok1 := view(request, packing.GangFields)
	outView, ok2 := view(outNodes, outLen)
	fitView, ok3 := view(outFitCount, 1)
	if !ok1 || !ok2 || !ok3 {
		return badLength
	}
	return C.int64_t(packings.place(int64(handle), int64(site), requestView, outView, &fitView[0]))
}

// packing_add adds amounts[4] to what the node has free.
//
//export packing_add
func packing_add(handle, node C.int64_t, amounts *C.int64_t) (result C.int64_t) {
	defer rescue(&result)
	amountsView, ok := view(amounts, packing.AmountFields)
	if !ok {
		return badLength
	}
	return C.int64_t(packings.add(int64(handle), int64(node), amountsView))
}

// packing_close forgets the packing.
//
//export packing_close
func packing_close(handle C.int64_t) (result C.int64_t) {
	defer rescue(&result)
	return C.int64_t(packings.close(int64(handle)))
}

// view sees the caller's memory as a slice; a length below zero, absurd or over no memory at all is refused.
func view(first *C.int64_t, length C.int64_t) ([]int64, bool) {
	switch {
	case length == 0:
		return nil, true
	case first == nil, length < 0, length > packing.MaxNodes*packing.MaxLevels:
		return nil, false
	}
	return unsafe.Slice((*int64)(unsafe.Pointer(first)), int(length)), true
}

// rescue keeps a panic of ours from taking the caller's process with it.
func rescue(result *C.int64_t) {
	if recover() != nil {
		*result = panicked
	}
}
