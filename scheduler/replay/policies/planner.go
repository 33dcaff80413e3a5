package policies

import (
	"cmp"
	"maps"
	"slices"

	"commonpool.dev/scheduler/packing"
	"commonpool.dev/scheduler/replay"
)

// Planner is what mode Enforce chooses for single pods: the gang engine, opened anew every so often with the commonest shapes of the pods
// that have come, as the planner opens it once a round with the shapes of the work that runs or waits. It places whole accelerators only.
// Models are eligible nodes to it, as pools are, and nothing is known of pods without accelerators before they come.
var Planner = replay.Policy{
	Name: "planner",
	New: func(nodes []packing.Node, ranks []int32, _ []replay.Class, _ int64) replay.Chooser {
		return newPlanning(nodes, ranks)
	},
}

// mostShapes is how many shapes the planner names (operator/commonpool/planner/fleet.py).
const mostShapes = 32

// planning is a fleet as the planner sees it: nodes in the order of their ranks, their cards as one amount.
type planning struct {
	nodes    []int   // of each index of the fleet: the node
	index    []int64 // the other way round
	free     []packing.Amounts
	capacity []int64
	models   []uint8
	packing  *packing.Packing
	sites    map[uint64]int64 // by the models that will do
	met      map[packing.Amounts]int64
	pods     int
	next     int // after so many pods it is opened anew
	out      [1]int64
}

func newPlanning(nodes []packing.Node, ranks []int32) *planning {
	p := &planning{
		nodes: make([]int, len(nodes)), index: make([]int64, len(nodes)), met: make(map[packing.Amounts]int64), next: firstLesson,
	}
	for node, rank := range ranks {
		p.nodes[rank], p.index[node] = node, int64(rank)
	}
	for _, node := range p.nodes {
		n := &nodes[node]
		room := packing.Amounts{int64(n.Whole) * packing.CardMilli, n.CPU, n.Memory, n.Pods}
		p.free = append(p.free, room)
		p.capacity = append(p.capacity, room[:]...)
		p.models = append(p.models, n.Model)
	}
	p.open()
	return p
}

func (p *planning) open() {
	shapes := slices.SortedFunc(maps.Keys(p.met), func(a, b packing.Amounts) int {
		return cmp.Or(cmp.Compare(p.met[b], p.met[a]), slices.Compare(a[:], b[:]))
	})
	fleet := packing.Fleet{Capacity: p.capacity}
	for _, free := range p.free {
		fleet.Free = append(fleet.Free, free[:]...)
	}
	for _, shape := range shapes[:min(len(shapes), mostShapes)] {
		fleet.Classes = append(append(fleet.Classes, shape[:]...), p.met[shape])
	}
	p.packing, p.sites = must(packing.Open(fleet)), make(map[uint64]int64)
}

// Meet counts the pod.
func (p *planning) Meet(s *packing.Shape) {
	if s.Cards > 0 {
		p.met[amountsOf(s)]++
	}
	p.pods++
	if p.pods == p.next {
		p.next += min(p.pods, lessons)
		p.open()
	}
}

// Best asks for a gang of one, and gives its place back.
func (p *planning) Best(s *packing.Shape) (node, card int) {
	pod := amountsOf(s)
	if must(p.place(pod, p.site(s.Models))) == 0 {
		return -1, -1
	}
	p.add(p.out[0], pod)
	return p.nodes[p.out[0]], -1
}

func (p *planning) place(pod packing.Amounts, site int64) (int, error) {
	placed, _, err := p.packing.Place(packing.PlainGang(pod, 1, 1, packing.Anywhere), site, p.out[:])
	return placed, err
}

func (p *planning) site(models uint64) int64 {
	known, met := p.sites[models]
	if met {
		return known
	}
	var eligible []int64
	for index, model := range p.models {
		if models == 0 || models>>model&1 == 1 {
			eligible = append(eligible, int64(index))
		}
	}
	p.sites[models] = int64(must(p.packing.Select(eligible)))
	return p.sites[models]
}

// Take puts the pod there.
func (p *planning) Take(node int, s *packing.Shape, _ int) (cards uint64) {
	p.change(node, s, -1)
	return 0
}

// Vacate takes it away.
func (p *planning) Vacate(node int, s *packing.Shape, _ uint64) { p.change(node, s, 1) }

// Occupy puts it back.
func (p *planning) Occupy(node int, s *packing.Shape, _ uint64) { p.change(node, s, -1) }

func (p *planning) change(node int, s *packing.Shape, sign int64) {
	index, amounts := p.index[node], amountsOf(s)
	for i := range amounts {
		amounts[i] *= sign
		p.free[index][i] += amounts[i]
	}
	p.add(index, amounts)
}

func (p *planning) add(index int64, amounts packing.Amounts) {
	if err := p.packing.Add(index, amounts); err != nil {
		panic(err)
	}
}

func amountsOf(s *packing.Shape) packing.Amounts {
	return packing.Amounts{s.Cards * packing.CardMilli, s.CPU, s.Memory, 1}
}

// must is for what a trace that has been read cannot have wrong.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
