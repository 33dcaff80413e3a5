package plugin

import (
	"slices"

	v1 "k8s.io/api/core/v1"

	"commonpool.dev/scheduler/mig"
	"commonpool.dev/scheduler/packing"
)

// kind is what a node's accelerators are: the resource that they are asked for by, and the product, if the node is labelled with one. Cards
// that are cut into instances are a kind by their name alone.
type kind struct {
	resource v1.ResourceName
	product  string
	cut      string
}

// partitioned is how the cards of the kind are cut; nil if they are not.
func (k *kind) partitioned() *packing.Partition { return mig.Partition(k.cut) }

// Cards that are cut have the last bits, each its own; so all nodes with a bit are cut alike.
var lastKind = packing.MaxModels - 1 - len(mig.Cards())

// kinds gives each other kind a bit. Those beyond the last bit share it: they are packed as one.
type kinds struct {
	labels []string // that say the product
	bits   map[kind]uint8
}

func (k *kinds) bit(of kind) uint8 {
	if of.cut != "" {
		return uint8(lastKind + 1 + mig.Index(of.cut))
	}
	bit, known := k.bits[of]
	if !known {
		bit = uint8(min(len(k.bits), lastKind))
		k.bits[of] = bit
	}
	return bit
}

// mask is the kinds that will do for a pod; 0 if all accelerators do, and false if none does. An empty resource is any accelerator.
func (k *kinds) mask(resource v1.ResourceName, products []string) (mask uint64, found bool) {
	all := true
	for of, bit := range k.bits {
		switch {
		case of.resource == "":
		case resource != "" && of.resource != resource, products != nil && !slices.Contains(products, of.product):
			all = false
		default:
			mask |= 1 << bit
		}
	}
	if all {
		return 0, mask != 0
	}
	return mask, mask != 0
}

func (k *kinds) product(labels map[string]string) string {
	for _, label := range k.labels {
		if product := labels[label]; product != "" {
			return product
		}
	}
	return ""
}

// products are those that the pod insists on; nil if it does not, or says so in a way that only the filters understand.
func (k *kinds) products(pod *v1.Pod) []string {
	for _, label := range k.labels {
		if product, insists := pod.Spec.NodeSelector[label]; insists {
			return []string{product}
		}
	}
	affinity := pod.Spec.Affinity
	if affinity == nil || affinity.NodeAffinity == nil || affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return nil
	}
	var products []string
	for _, term := range affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
		at := slices.IndexFunc(term.MatchExpressions, func(each v1.NodeSelectorRequirement) bool {
			return each.Operator == v1.NodeSelectorOpIn && slices.Contains(k.labels, each.Key)
		})
		if at < 0 {
			return nil
		}
		products = append(products, term.MatchExpressions[at].Values...)
	}
	return products
}
