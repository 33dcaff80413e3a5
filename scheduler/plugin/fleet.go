package plugin

import (
	"cmp"
	"slices"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"commonpool.dev/scheduler/packing"
)

// fleet is the nodes as the packing engine sees them, kept beside the scheduler's snapshot: of each cycle only the nodes whose generation
// is new are read. It belongs to the scheduling cycle; while that filters and scores in several goroutines, it is only read.
type fleet struct {
	accelerators []v1.ResourceName
	kinds        kinds
	devices      *devices
	mix          *mix

	infos       []fwk.NodeInfo // of the snapshot, in its order
	generations []int64
	indexes     map[string]int // of nodes by name
	prices      *packing.Value
	cards       *packing.Cards
}

func newFleet(args Args, devices *devices) *fleet {
	f := &fleet{devices: devices, kinds: kinds{labels: args.ProductLabels, bits: make(map[kind]uint8)}}
	for _, name := range args.AcceleratorResources {
		f.accelerators = append(f.accelerators, v1.ResourceName(name))
	}
	f.mix = newMix(args.classes())
	return f
}

// follow brings the fleet to the state of the snapshot.
func (f *fleet) follow(infos []fwk.NodeInfo) {
	if f.cards == nil || len(infos) != len(f.infos) {
		f.rebuild(infos)
		return
	}
	for i, info := range infos {
		if info != f.infos[i] { // others, or in another order
			f.rebuild(infos)
			return
		}
		generation := info.GetGeneration()
		if generation == f.generations[i] {
			continue
		}
		node := f.read(info)
		if before := &f.cards.Nodes[i]; node.Cards != before.Cards || node.Model != before.Model || f.indexes[info.Node().Name] != i {
			f.rebuild(infos)
			return
		}
		f.generations[i] = generation
		f.cards.Put(i, node)
	}
	if f.mix.due() {
		f.learn()
		f.cards = packing.NewPricedCards(f.cards.Nodes, f.ranks(), f.prices)
	}
}

// rebuild reads all nodes. Prices are learned again only if they say nothing about one of them.
func (f *fleet) rebuild(infos []fwk.NodeInfo) {
	first := f.infos == nil
	f.infos = slices.Clone(infos)
	f.generations = make([]int64, len(infos))
	f.indexes = make(map[string]int, len(infos))
	f.cards = nil
	nodes := make([]packing.Node, len(infos))
	known := f.prices != nil
	for i, info := range infos {
		f.generations[i] = info.GetGeneration()
		f.indexes[info.Node().Name] = i
		nodes[i] = f.read(info)
		known = known && f.prices.Knows(nodes[i].Model)
	}
	if len(nodes) == 0 {
		return
	}
	if first {
		f.observeRunning()
	}
	if !known || f.mix.due() {
		f.learn()
	}
	f.cards = packing.NewPricedCards(nodes, f.ranks(), f.prices)
}

// observeRunning takes what runs already for the mix: so the first pod after a start is placed as if the scheduler had always been there.
func (f *fleet) observeRunning() {
	for _, info := range f.infos {
		for _, pod := range info.GetPods() {
			if wanted, err := f.want(pod.GetPod()); err == nil && wanted.ranked {
				f.mix.observe(wanted.shape)
			}
		}
	}
}

// learn prices the mix on the nodes as if they were empty: what is in the way now will be gone when the work comes for which room is kept.
func (f *fleet) learn() {
	empty := make([]packing.Node, len(f.infos))
	for i, info := range f.infos {
		capacity := info.GetAllocatable()
		of, cards := f.kindOf(info)
		empty[i] = f.newNode(bounded(capacity.GetMilliCPU()), bounded(capacity.GetMemory()), int64(capacity.GetAllowedPodNumber()), of, cards)
	}
	f.prices = packing.NewValue(empty, f.mix.classes(), packing.PricingRounds)
}

// ranks: between nodes that are equally good the name decides, in every process alike.
func (f *fleet) ranks() []int32 {
	order := make([]int32, len(f.infos))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(f.infos[a].Node().Name, f.infos[b].Node().Name) })
	ranks := make([]int32, len(order))
	for rank, node := range order {
		ranks[node] = int32(rank)
	}
	return ranks
}

// find is the node of the snapshot as it is in the fleet, or, where the scheduler tries what would be without or with other pods, read anew.
func (f *fleet) find(info fwk.NodeInfo) packing.Node {
	if i, known := f.indexes[info.Node().Name]; known && f.generations[i] == info.GetGeneration() {
		return f.cards.Nodes[i]
	}
	return f.read(info)
}

// newNode is a node with nothing on its cards.
func (f *fleet) newNode(cpu, memory, pods int64, of kind, cards int) packing.Node {
	if partition := of.partitioned(); partition != nil {
		return packing.NewPartitionedNode(cpu, memory, pods, cards, f.kinds.bit(of), partition)
	}
	return packing.NewNode(cpu, memory, pods, cards, f.kinds.bit(of))
}

// kindOf is what accelerators the node has, and how many cards the engine can see of them.
func (f *fleet) kindOf(info fwk.NodeInfo) (of kind, cards int) {
	if card, cards := readPartitioned(info); cards > 0 {
		return kind{cut: card}, cards
	}
	capacity := info.GetAllocatable().GetScalarResources()
	for _, resource := range f.accelerators {
		if capacity[resource] > 0 {
			return kind{resource: resource, product: f.kinds.product(info.Node().Labels)}, int(min(capacity[resource], packing.MaxCards))
		}
	}
	return kind{}, 0
}

// read is what the node has free: first the cards that are shared, as was written down; pods with whole accelerators have the lowest of the
// others. A part of a card of which nobody knows which card it is counts as a whole one.
func (f *fleet) read(info fwk.NodeInfo) packing.Node {
	capacity, used := info.GetAllocatable(), info.GetRequested()
	of, cards := f.kindOf(info)
	node := f.newNode(bounded(capacity.GetMilliCPU()-used.GetMilliCPU()), bounded(capacity.GetMemory()-used.GetMemory()),
		bounded(int64(capacity.GetAllowedPodNumber()-len(info.GetPods()))), of, cards)
	switch {
	case cards == 0:
		return node
	case node.Partition != nil:
		f.readInstances(info, &node)
		return node
	}
	whole := capacity.GetScalarResources()[of.resource] - used.GetScalarResources()[of.resource]
	if used.GetScalarResources()[SharedResource] > 0 {
		whole -= f.readShared(info, &node)
	}
	for i := range cards {
		if node.Milli[i] == packing.CardMilli && int64(node.Whole) > max(whole, 0) {
			node.Take(&packing.Shape{Cards: 1, Milli: packing.CardMilli}, noCard)
			node.Pods++
		}
	}
	return node
}

// readShared takes what pods have of the node's cards and tells how many cards that touches.
func (f *fleet) readShared(info fwk.NodeInfo, node *packing.Node) (cards int64) {
	shared, unknown := [packing.MaxCards]bool{}, 0
	for _, each := range info.GetPods() {
		milli := each.CalculateResource().Resource.GetScalarResources()[SharedResource]
		if milli <= 0 {
			continue
		}
		at := f.devices.find(each.GetPod())
		card := at.card
		if card < 0 || card >= int(node.Cards) || at.start != noStart || int64(node.Milli[card]) < milli {
			unknown++
			continue
		}
		node.Take(&packing.Shape{Cards: 1, Milli: min(milli, packing.CardMilli-1)}, card)
		node.Pods++
		if !shared[card] {
			shared[card] = true
			cards++
		}
	}
	return cards + int64(unknown)
}

// bounded keeps what nodes say within what the engine takes.
func bounded(amount int64) int64 { return min(max(amount, 0), packing.MaxAmount) }
