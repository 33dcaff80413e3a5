package plugin

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"commonpool.dev/scheduler/packing"
)

const (
	// SharedResource is how a pod asks for a part of one accelerator, in thousandths. No node has to offer it: how many cards a node has
	// is said by its whole accelerators, and what is left of each card is the plugin's to know.
	SharedResource v1.ResourceName = "commonpool.dev/gpu-milli"
	// CardAnnotation is the number of the card that a pod has a part of: `3`; and where on it its instance begins: `3:4`. Pods of one node
	// with the same number share one card; which of the node's devices that is, is the node's to say. It is written with the binding and
	// by nobody else (the chart's policies).
	CardAnnotation = "commonpool.dev/gpu-card"
)

// noCard is the card of a pod of which nobody has said where it is, noStart what a part of a card begins at.
const (
	noCard  = -1
	noStart = -1
)

// device is what a pod has: a part of a card, or an instance that begins at a slice of one.
type device struct{ card, start int }

var nowhere = device{noCard, noStart}

// String is the annotation.
func (d device) String() string {
	if d.start == noStart {
		return strconv.Itoa(d.card)
	}
	return fmt.Sprintf("%d:%d", d.card, d.start)
}

func parseDevice(text string) device {
	number, start, instance := strings.Cut(text, ":")
	card, err := strconv.Atoi(number)
	if err != nil || card < 0 || card >= packing.MaxCards {
		return nowhere
	}
	if !instance {
		return device{card, noStart}
	}
	slice, err := strconv.Atoi(start)
	if err != nil || slice < 0 || slice >= packing.MaxSlices {
		return nowhere
	}
	return device{card, slice}
}

// devices remembers the cards that were chosen here, from before the binding until the pod is gone. What is remembered counts more than
// what a pod's annotation says; the annotation is for those who come after a restart.
type devices struct {
	mu sync.RWMutex
	of map[types.UID]device
}

func newDevices() *devices { return &devices{of: make(map[types.UID]device)} }

func (d *devices) put(pod types.UID, chosen device) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.of[pod] = chosen
}

func (d *devices) remove(pod types.UID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.of, pod)
}

func (d *devices) find(pod *v1.Pod) device {
	d.mu.RLock()
	chosen, known := d.of[pod.UID]
	d.mu.RUnlock()
	if known {
		return chosen
	}
	return parseDevice(pod.Annotations[CardAnnotation])
}

// checkShared refuses a request that no card can meet.
func checkShared(milli int64, whole bool) error {
	switch {
	case milli < 0 || milli >= packing.CardMilli:
		return fmt.Errorf("`%s: %d` is no part of one accelerator: ask for 1 to %d, or for a whole one by its own name", SharedResource, milli, packing.CardMilli-1)
	case whole && milli > 0:
		return fmt.Errorf("`%s` cannot be asked for beside whole accelerators", SharedResource)
	}
	return nil
}
