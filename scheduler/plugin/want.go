package plugin

import (
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/resource"
	fwk "k8s.io/kube-scheduler/framework"

	"commonpool.dev/scheduler/mig"
	"commonpool.dev/scheduler/packing"
)

// wanted is a pod as the packing engine sees it, read once a cycle.
type wanted struct {
	scorer   *scorer
	shape    packing.Shape
	resource v1.ResourceName // of whole accelerators; empty for parts, and for pods without
	ranked   bool            // whether the engine can say anything about it
}

// Clone keeps it: it does not change.
func (w *wanted) Clone() fwk.StateData { return w }

const wantedKey = fwk.StateKey(Name + "/wanted")

// want reads the pod; an error says why no node will ever do.
func (f *fleet) want(pod *v1.Pod) (*wanted, error) {
	w := &wanted{ranked: true}
	milli, count := int64(0), int64(0)
	requests := resource.PodRequests(pod, resource.PodResourcesOptions{})
	for name, quantity := range requests {
		switch name {
		case v1.ResourceCPU:
			w.shape.CPU = bounded(quantity.MilliValue())
		case v1.ResourceMemory:
			w.shape.Memory = bounded(quantity.Value())
		case SharedResource:
			milli = quantity.Value()
		default:
			if amount := quantity.Value(); amount > 0 && f.isAccelerator(name) {
				w.resource, count = name, count+amount
			}
		}
	}
	if err := checkShared(milli, count > 0); err != nil {
		return nil, err
	}
	profile, err := readInstance(requests)
	if err != nil {
		return nil, err
	}
	switch {
	case profile > 0 && milli+count > 0:
		return nil, fmt.Errorf("`%s%s` cannot be asked for beside other accelerators", InstancePrefix, mig.Name(profile))
	case profile > 0: // of which card, the profile says; a product that the pod insists on is for the filters
		w.shape.Cards, w.shape.Profile = 1, profile
		return w, nil
	case milli > 0:
		w.shape.Cards, w.shape.Milli = 1, milli
	case count > packing.MaxCards:
		w.ranked = false
		return w, nil
	case count > 0:
		w.shape.Cards, w.shape.Milli = count, packing.CardMilli
	default:
		return w, nil
	}
	w.shape.Models, w.ranked = f.kinds.mask(w.resource, f.kinds.products(pod))
	return w, nil
}

func (f *fleet) isAccelerator(name v1.ResourceName) bool {
	for _, each := range f.accelerators {
		if each == name {
			return true
		}
	}
	return false
}

// fitsCards says whether the node has the cards. Everything else is for the other filters to say, and so are accelerators of a sort that
// the node has beside the one that the engine sees.
func (f *fleet) fitsCards(info fwk.NodeInfo, w *wanted) bool {
	if of, _ := f.kindOf(info); w.resource != "" && of.resource != w.resource {
		return true
	}
	node := f.find(info)
	return w.fitsCardsOf(&node)
}

func (w *wanted) fitsCardsOf(node *packing.Node) bool {
	switch {
	case w.shape.Profile > 0:
		return node.Holds(w.shape.Profile)
	case w.shape.Shared():
		return node.Partition == nil && node.Tightest(w.shape.Milli) >= 0
	default:
		return int64(node.Whole) >= w.shape.Cards
	}
}

// owned says whether the pod gets a device that is written down: a part of a card, or an instance.
func (w *wanted) owned() bool { return w.shape.Shared() || w.shape.Profile > 0 }

// refuse says why a node that has not the cards will not do.
func (w *wanted) refuse() string {
	switch {
	case w.shape.Profile > 0:
		return fmt.Sprintf("no accelerator with room for an instance of %s", mig.Name(w.shape.Profile))
	case w.shape.Shared():
		return fmt.Sprintf("no accelerator with %d milli free", w.shape.Milli)
	default:
		return "too few accelerators that nobody shares"
	}
}
