package plugin

import (
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"commonpool.dev/scheduler/mig"
	"commonpool.dev/scheduler/packing"
)

const (
	// InstancePrefix begins the resources by which a pod asks for an instance on a partitioned card: `commonpool.dev/mig-3g.20gb: 1`. No
	// node has to offer them: how its cards can be cut is said by its label, and what is left of each card is the plugin's to know.
	InstancePrefix = "commonpool.dev/mig-"
	// PartitionLabel is the label of a node whose cards are cut as pods come, and says how many there are of which card: `8xA100-40GB`.
	// Somebody on the node must do the cutting (docs/scheduler-only.md).
	PartitionLabel = "commonpool.dev/mig"
)

// readPartitioned reads a node's label; no cards where it has none, or one that says nothing that is known here.
func readPartitioned(info fwk.NodeInfo) (card string, cards int) {
	count, card, _ := strings.Cut(info.Node().Labels[PartitionLabel], "x")
	cards, err := strconv.Atoi(count)
	if err != nil || cards < 1 || mig.Partition(card) == nil {
		return "", 0
	}
	return card, min(cards, packing.MaxCards)
}

// readInstance is the instance that a pod's requests are for: the profile's number, 0 if there is none.
func readInstance(requests v1.ResourceList) (profile uint8, err error) {
	for name, quantity := range requests {
		of, found := strings.CutPrefix(string(name), InstancePrefix)
		switch {
		case !found:
		case profile > 0 || quantity.Value() != 1:
			return 0, fmt.Errorf("`%s`: a pod can have one instance, and no more", name)
		default:
			if profile = mig.Profile(of); profile == 0 {
				return 0, fmt.Errorf("`%s` is no profile of a card that is known: one is `%s%s`", name, InstancePrefix, mig.Name(1))
			}
		}
	}
	return profile, nil
}

// instanceOf is the instance that a pod of a node wants.
func instanceOf(pod fwk.PodInfo) (profile uint8) {
	for name, amount := range pod.CalculateResource().Resource.GetScalarResources() {
		if of, found := strings.CutPrefix(string(name), InstancePrefix); found && amount > 0 {
			return mig.Profile(of)
		}
	}
	return 0
}

// readInstances takes what pods have of a node's partitioned cards. An instance of which nobody knows where it is counts as a whole card.
func (f *fleet) readInstances(info fwk.NodeInfo, node *packing.Node) {
	unknown := 0
	for _, each := range info.GetPods() {
		profile := instanceOf(each)
		if profile == 0 {
			continue
		}
		if place := findPlace(node, profile, f.devices.find(each.GetPod())); place >= 0 {
			node.Take(&packing.Shape{Cards: 1, Profile: profile}, place)
			node.Pods++
		} else {
			unknown++
		}
	}
	for ; unknown > 0; unknown-- {
		node.Close(emptiest(node))
	}
}

// findPlace is the place of an instance on a device, as the packing engine counts them; -1 if it cannot be there.
func findPlace(node *packing.Node, profile uint8, at device) int {
	if at.card < 0 || at.card >= int(node.Cards) || at.start < 0 {
		return -1
	}
	placement := slices.IndexFunc(node.Partition.Placements(profile), func(taken uint16) bool {
		return mig.Start(taken) == at.start && taken&^uint16(node.Milli[at.card]) == 0
	})
	if placement < 0 {
		return -1
	}
	return at.card + packing.MaxCards*placement
}

// emptiest is the card with the most slices free, the lowest of equals.
func emptiest(node *packing.Node) (card int) {
	for i, free := range node.Milli[:node.Cards] {
		if bits.OnesCount16(uint16(free)) > bits.OnesCount16(uint16(node.Milli[card])) {
			card = i
		}
	}
	return card
}

// deviceOf is where the packing engine would have a pod that wants a part of a card or an instance.
func deviceOf(node *packing.Node, shape *packing.Shape, place int) device {
	if shape.Profile == 0 {
		return device{place, noStart}
	}
	card, taken := node.Partition.InstanceAt(shape.Profile, place)
	return device{card, mig.Start(taken)}
}
